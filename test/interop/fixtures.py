"""Delta tables made by others, each in a folder of its own: `python fixtures.py WRITER FOLDER [NAME …]`.

WRITER is `spark`, `spark4` or `delta-rs`. A fixture NAME becomes FOLDER/WRITER/NAME:

  table/         the table, or another folder where `expected.json` names it in `table`
  expected.json  {table, writer, what, refused, append, partitions, names, rows, versions, changes}: the rows of the newest version as
                 the writer itself reads them, canonical and sorted; the rows of each older version that it can still read;
                 of a table with a change feed its changes from version 1 on, without their timestamps

`archive.py` keeps those that the Sparks made; `test/interop/make-fixtures` makes them and it anew.
"""

import json
import os
import shutil
import sys

FIXTURES: dict[str, dict] = {}


def fixture(*writers: str, **facts):
    """Facts: `refused` is {read|write: feature} that ingestd must name; `append` a DuckDB query of rows that it may
    add; `vacuumed` that older versions may lack their files; `void` columns of no type, which come last;
    `stays` that the log says where the table lies, so that it cannot be moved."""

    def register(function):
        for writer in writers:
            FIXTURES.setdefault(writer, {})[function.__name__] = {'function': function, **facts}
        return function

    return register


def make(writer: str, name: str, folder: str, maker) -> dict:
    """Makes one fixture, whole or not at all."""
    facts = FIXTURES[writer][name]
    final = os.path.join(folder, writer, name)
    draft = final + '.draft'
    shutil.rmtree(final, ignore_errors=True)
    shutil.rmtree(draft, ignore_errors=True)
    os.makedirs(draft)
    # Tables may hold absolute paths, so a fixture is made where it stays.
    os.rename(draft, final)
    path = os.path.join(final, facts.get('table', 'table'))
    facts['function'](maker, path)
    maker.forget()
    result = expectations(maker, writer, facts, path) | {'table': facts.get('table', 'table')}
    with open(os.path.join(final, 'expected.json.draft'), 'w', encoding='utf-8') as file:
        json.dump(result, file, ensure_ascii=False, indent=1)
    os.rename(file.name, os.path.join(final, 'expected.json'))
    return result


def expectations(maker, writer: str, facts: dict, path: str) -> dict:
    from canonical import rows_of

    void = facts.get('void', [])
    result = {
        'writer': writer,
        'what': facts['function'].__doc__,
        'refused': facts.get('refused', {}),
        'append': facts.get('append', 'SELECT (-1)::BIGINT AS id'),
    }
    newest = with_nulls(maker.table(path), void)
    result['partitions'] = maker.partitions(path)
    result |= {'names': newest.column_names, 'rows': rows_of(newest), 'versions': {}}
    for version in maker.versions(path):
        try:
            rows = with_nulls(maker.table(path, version), void)
        except Exception:
            # Its files were vacuumed away; the newest version has to be whole.
            if not facts.get('vacuumed'):
                raise
            continue
        result['versions'][version] = {'names': rows.column_names, 'rows': rows_of(rows)}
    if facts.get('changes'):
        changes = maker.changes(path, facts['changes'])
        result['changes'] = {'from': facts['changes'], 'names': changes.column_names, 'rows': rows_of(changes)}
    return result


def with_nulls(table, columns: list[str]):
    """Protocol, «Void Type»: readers give nulls. Spark leaves such columns out."""
    import pyarrow as pa

    for column in columns:
        table = table.append_column(column, pa.nulls(table.num_rows))
    return table


SPARKS = ('spark', 'spark4')


# Deletion vectors


@fixture('spark4')
def dv_small(spark, path):
    """Deletion vectors on two files, the second of one file holding the rows of the first, and one file deleted whole."""
    spark.sql(
        path,
        "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "INSERT INTO @ SELECT id, concat('n', id) FROM range(0, 100, 1, 1)",
        "INSERT INTO @ SELECT id, concat('n', id) FROM range(100, 200, 1, 1)",
        "INSERT INTO @ SELECT id, concat('n', id) FROM range(200, 210, 1, 1)",
        'DELETE FROM @ WHERE id IN (0, 7, 99, 150)',
        'DELETE FROM @ WHERE id BETWEEN 10 AND 20 OR id = 199',
        'DELETE FROM @ WHERE id >= 200',
    )


@fixture('spark')
def dv_large(spark, path):
    """One file whose deletion vector has an array, a bitmap and a run container."""
    spark.sql(
        path,
        "CREATE TABLE @ (id BIGINT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        'INSERT INTO @ SELECT id FROM range(0, 150000, 1, 1)',
        'DELETE FROM @ WHERE (id < 65536 AND id % 3 = 0) OR (id >= 65536 AND id < 131072 AND id % 100 = 1) OR id BETWEEN 131100 AND 149000',
    )


@fixture(*SPARKS)
def dv_partitioned(spark, path):
    """Deletion vectors of several partitions in one file, with updates and a merge on top."""
    spark.sql(
        path,
        "CREATE TABLE @ (id BIGINT, p STRING, v INT) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "INSERT INTO @ SELECT id, concat('p ', id % 3), 0 FROM range(0, 300, 1, 1)",
        'DELETE FROM @ WHERE id % 10 = 0',
        'UPDATE @ SET v = 1 WHERE id % 7 = 0',
        """MERGE INTO @ t USING (SELECT id, concat('p ', id % 3) AS p FROM range(290, 310)) s ON t.id = s.id
           WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 2 WHEN NOT MATCHED THEN INSERT (id, p, v) VALUES (s.id, s.p, 3)""",
    )


@fixture('spark', stays=True)
def dv_inline(spark, path):
    """Deletion vectors kept in the log itself, and one named by an absolute path."""
    dv_small(spark, path)
    spark.forget()
    log = LogFolder(path)
    storage = iter(['i', 'p', 'i', 'p', 'i', 'p'])
    moved = {}
    for version in log.versions():
        actions = log.actions(version)
        for action in actions:
            for kind in ('add', 'remove'):
                vector = action.get(kind, {}).get('deletionVector')
                if vector:
                    key = json.dumps(vector, sort_keys=True)
                    moved[key] = moved.get(key) or log.moved_vector(vector, next(storage))
                    action[kind]['deletionVector'] = moved[key]
        log.write(version, actions)


# Column mapping

NESTED = 'id BIGINT, name STRING, who STRUCT<first: STRING, age: INT>, lines ARRAY<STRUCT<sku: STRING, n: INT>>, tags MAP<STRING, STRUCT<x: INT>>'
NESTED_ROWS = """(1, 'a', named_struct('first', 'Ada', 'age', 36), array(named_struct('sku', 'x', 'n', 1), named_struct('sku', 'y', 'n', NULL)), map('k', named_struct('x', 1))),
  (2, NULL, NULL, array(), map()), (3, 'c', named_struct('first', NULL, 'age', NULL), NULL, NULL)"""
NESTED_APPEND = """SELECT 10::BIGINT AS id, 'ours' AS title, {'first': 'Bob', 'years': 7} AS who, [{'sku': 'q', 'count': 3}] AS lines,
  MAP {'z': {'x': 9}} AS tags"""


@fixture(*SPARKS, append=NESTED_APPEND)
def mapped_name(spark, path):
    """Column mapping by name: columns renamed at the top and nested, one dropped and another added under its name."""
    spark.sql(path, f"CREATE TABLE @ ({NESTED}, gone INT) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    mapped_changes(spark, path)


@fixture('spark4', append=NESTED_APPEND)
def mapped_id(spark, path):
    """Column mapping by field id: columns renamed at the top and nested, one dropped and another added under its name."""
    spark.sql(path, f"CREATE TABLE @ ({NESTED}, gone INT) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'id')")
    mapped_changes(spark, path)


def mapped_changes(spark, path):
    spark.sql(
        path,
        f'INSERT INTO @ SELECT *, 7 FROM VALUES {NESTED_ROWS}',
        'ALTER TABLE @ RENAME COLUMN name TO title',
        'ALTER TABLE @ RENAME COLUMN who.age TO years',
        'ALTER TABLE @ RENAME COLUMN lines.element.n TO count',
        'ALTER TABLE @ DROP COLUMN gone',
        'ALTER TABLE @ ADD COLUMN (gone STRING)',
        "INSERT INTO @ SELECT 4, 'd', named_struct('first', 'Dan', 'years', 4), array(named_struct('sku', 'z', 'count', 4)), map('m', named_struct('x', NULL)), 'new'",
    )


@fixture('spark', append="SELECT 10::BIGINT AS id, 'new p' AS part, 5 AS val")
def mapped_partitioned(spark, path):
    """Column mapping with partition columns, one renamed, and deletion vectors."""
    spark.sql(
        path,
        """CREATE TABLE @ (id BIGINT, p STRING, v INT) USING delta PARTITIONED BY (p)
           TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableDeletionVectors' = 'true')""",
        "INSERT INTO @ SELECT id, if(id % 4 = 3, NULL, concat('p/', id % 4)), 0 FROM range(0, 40, 1, 1)",
        'ALTER TABLE @ RENAME COLUMN p TO part',
        'ALTER TABLE @ RENAME COLUMN v TO val',
        'DELETE FROM @ WHERE id < 5',
        "INSERT INTO @ VALUES (100, 'p/0', 9), (101, 'late', NULL)",
    )


@fixture('spark', append='SELECT 10::BIGINT AS id, \'x\' AS "full name"')
def mapped_later(spark, path):
    """Column mapping turned on for a table that has files already, then a name that Delta forbids without it."""
    spark.sql(
        path,
        'CREATE TABLE @ (id BIGINT, name STRING) USING delta',
        "INSERT INTO @ VALUES (1, 'a'), (2, NULL)",
        "ALTER TABLE @ SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')",
        'ALTER TABLE @ RENAME COLUMN name TO `full name`',
        "INSERT INTO @ VALUES (3, 'c')",
    )


# Types

TYPES = """id BIGINT, b TINYINT, s SMALLINT, i INT, f FLOAT, d DOUBLE, n DECIMAL(9,2), w DECIMAL(38,18), flag BOOLEAN, bin BINARY,
  day DATE, at TIMESTAMP, text STRING, list ARRAY<INT>, st STRUCT<a: INT, b: STRUCT<c: STRING>>, m MAP<STRING, DECIMAL(9,2)>"""
TYPES_ROWS = """(1, -128, -32768, -2147483648, float('-3.4028235e38'), -0.0D, -9999999.99, -99999999999999999999.999999999999999999, true, X'00FF',
    DATE'1582-10-04', TIMESTAMP'1582-10-04 23:59:59.999999', '', array(1, NULL), named_struct('a', 1, 'b', named_struct('c', 'x')), map('k', 1.50)),
  (2, 127, 32767, 2147483647, float('NaN'), double('Infinity'), 9999999.99, 0.000000000000000001, false, X'',
    DATE'9999-12-31', TIMESTAMP'9999-12-31 23:59:59.999999', 'it''s "q" \\\\ ünï', array(), named_struct('a', NULL, 'b', NULL), map()),
  (3, 0, 0, 0, 0.5F, 5e-324D, 0.00, 1.0, NULL, NULL, DATE'1969-12-31', TIMESTAMP'1969-12-31 23:59:59.999999', repeat('x', 300), NULL, NULL, NULL),
  (9007199254740993, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"""


@fixture(*SPARKS)
def types(spark, path):
    """Every type, with its least, greatest and special values."""
    keys = ('spark.sql.parquet.datetimeRebaseModeInWrite', 'spark.sql.parquet.int96RebaseModeInWrite')
    with spark.settings(dict.fromkeys(keys, 'CORRECTED')):
        spark.sql(path, f'CREATE TABLE @ ({TYPES}) USING delta', f'INSERT INTO @ VALUES {TYPES_ROWS}')


@fixture(*SPARKS, append="SELECT 10::BIGINT AS id, TIMESTAMPTZ '2024-03-10 07:30:00+00' AS at")
def int96(spark, path):
    """Timestamps as INT96, written in a session of America/New_York around its change of clocks."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, at TIMESTAMP, st STRUCT<at: TIMESTAMP>, list ARRAY<TIMESTAMP>) USING delta')
    rows = ['1900-01-01T00:00:00Z', '1969-12-31T23:59:59.999999Z', '2024-03-10T06:59:59.999999Z', '2024-03-10T07:00:00Z', '2024-11-03T05:30:00Z', '2024-11-03T06:30:00Z']
    values = ', '.join(f"({n}, timestamp '{at}', named_struct('at', timestamp '{at}'), array(timestamp '{at}', NULL))" for n, at in enumerate(rows))
    with spark.settings({'spark.sql.session.timeZone': 'America/New_York', 'spark.sql.parquet.outputTimestampType': 'INT96'}):
        spark.sql(path, f'INSERT INTO @ VALUES {values}', 'INSERT INTO @ VALUES (100, NULL, NULL, NULL)')


@fixture('spark4', append="SELECT 10::BIGINT AS id, TIMESTAMP '2024-06-01 12:00:00.5' AS at, TIMESTAMP '2024-06-01 12:00:00.5' AS p")
def ntz(spark, path):
    """Timestamps without a zone, also as a partition column and nested."""
    spark.sql(
        path,
        'CREATE TABLE @ (id BIGINT, at TIMESTAMP_NTZ, p TIMESTAMP_NTZ, list ARRAY<TIMESTAMP_NTZ>) USING delta PARTITIONED BY (p)',
        """INSERT INTO @ VALUES (1, TIMESTAMP_NTZ'2024-03-10 02:30:00.123456', TIMESTAMP_NTZ'2024-01-02 03:04:05.123456', array(TIMESTAMP_NTZ'1969-12-31 23:59:59.999999')),
           (2, TIMESTAMP_NTZ'9999-12-31 23:59:59.999999', TIMESTAMP_NTZ'1582-10-04 00:00:00', NULL), (3, NULL, NULL, array())""",
    )


@fixture('spark4', append="SELECT 10::BIGINT AS id, 5::INT AS i, 'x' AS text, DATE '2024-05-05' AS day")
def partition_types(spark, path):
    """Partition columns of every type that a text can hold."""
    columns = 'b TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, n DECIMAL(9,2), flag BOOLEAN, day DATE, at TIMESTAMP, text STRING'
    names = ', '.join(column.split()[0] for column in columns.replace('(9,2)', '').split(', '))
    spark.sql(
        path,
        f'CREATE TABLE @ (id BIGINT, {columns}) USING delta PARTITIONED BY ({names})',
        """INSERT INTO @ VALUES
           (1, -128, -32768, -2147483648, -9223372036854775808, float('-Infinity'), 1e-7D, -1.50, true, DATE'1582-10-04', TIMESTAMP'2024-01-02 03:04:05.123456', 'a b'),
           (2, 127, 32767, 2147483647, 9007199254740993, float('NaN'), double('Infinity'), 9999999.99, false, DATE'9999-12-31', TIMESTAMP'1969-12-31 23:59:59', 'x'),
           (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
           (4, 0, 0, 0, 0, 0.5F, 1e300D, 0.00, true, DATE'2024-02-29', TIMESTAMP'2024-01-02 00:00:00', 'None')""",
    )
    with spark.settings({'spark.sql.session.timeZone': 'America/New_York'}):
        spark.sql(path, "INSERT INTO @ (id, at) VALUES (5, timestamp '2024-07-01T12:00:00.5Z')")


AWKWARD = ['plain', 'a b', 'a=b', 'a/b', '100%', '%20', 'q?x', 'h#x', 'a:b', '+', '&', "it's", '"q"', 'a\\b', 'ünï', '\U0001F600', '*', '[x]', '{x}', 'null',
           '__HIVE_DEFAULT_PARTITION__x', '.', '..', ' lead', 'trail ', 'line\nbreak', 'A', 'a', '~', '^', ';', ',', '$', '@', '!', '|', '<', '>', '`']  # fmt: skip


@fixture('spark', table='ta ble%20#ü', append="SELECT 1000::BIGINT AS id, 'a/b %41' AS p")
def awkward_paths(spark, path):
    """Partition values, and a table folder, whose characters have to be escaped."""
    frame = spark.session.createDataFrame([(n, text) for n, text in enumerate([*AWKWARD, None])], 'id BIGINT, p STRING')
    frame.coalesce(1).write.format('delta').partitionBy('p').save(path)


@fixture('spark4', append="SELECT 10::BIGINT AS id, 3000000000::BIGINT AS i, 1.5::DOUBLE AS f, '123456789.123'::DECIMAL(15,3) AS n")
def type_widening(spark, path):
    """Columns whose type was widened, at the top, nested and in partition values, so that older files are narrower."""
    spark.sql(
        path,
        """CREATE TABLE @ (id INT, b TINYINT, i INT, f FLOAT, n DECIMAL(9,2), k INT, day DATE, st STRUCT<a: SMALLINT>, list ARRAY<INT>, m MAP<INT, FLOAT>, p SMALLINT)
           USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')""",
        "INSERT INTO @ VALUES (1, 127, 2147483647, 0.1F, 1.50, 7, DATE'2024-02-29', named_struct('a', 1S), array(1, NULL), map(1, 0.1F), 3), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        'ALTER TABLE @ ALTER COLUMN id TYPE BIGINT',
        'ALTER TABLE @ ALTER COLUMN b TYPE SMALLINT',
        'ALTER TABLE @ ALTER COLUMN b TYPE INT',
        'ALTER TABLE @ ALTER COLUMN i TYPE BIGINT',
        'ALTER TABLE @ ALTER COLUMN f TYPE DOUBLE',
        'ALTER TABLE @ ALTER COLUMN n TYPE DECIMAL(15,3)',
        'ALTER TABLE @ ALTER COLUMN k TYPE DECIMAL(12,1)',
        'ALTER TABLE @ ALTER COLUMN day TYPE TIMESTAMP_NTZ',
        'ALTER TABLE @ ALTER COLUMN st.a TYPE BIGINT',
        'ALTER TABLE @ ALTER COLUMN list.element TYPE BIGINT',
        'ALTER TABLE @ ALTER COLUMN m.key TYPE BIGINT',
        'ALTER TABLE @ ALTER COLUMN m.value TYPE DOUBLE',
        'ALTER TABLE @ ALTER COLUMN p TYPE INT',
        """INSERT INTO @ VALUES (9007199254740993, 70000, 9007199254740993, 0.1D, 999999999999.999, 12345678901.5, TIMESTAMP_NTZ'2024-02-29 12:00:00.5',
           named_struct('a', 9007199254740993), array(9007199254740993), map(9007199254740993, 0.1D), 100000)""",
    )


@fixture('spark4', refused={'read': 'variantType'})
def variant(spark, path):
    """A column of type variant."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, v VARIANT) USING delta', """INSERT INTO @ SELECT 1, parse_json('{"a": 1}')""")


# Logs


@fixture('spark4')
def checkpoints_classic(spark, path):
    """Classic checkpoints whose older log is gone."""
    spark.sql(path, "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.checkpointInterval' = '3')")
    numbered_inserts(spark, path, 8)
    spark.sql(path, 'DELETE FROM @ WHERE id = 4')
    spark.forget()
    LogFolder(path).drop_before_checkpoint()


@fixture('spark4')
def checkpoints_struct(spark, path):
    """Checkpoints with statistics and partition values as columns, without their JSON."""
    spark.sql(
        path,
        """CREATE TABLE @ (id BIGINT, name STRING, p DATE) USING delta PARTITIONED BY (p) TBLPROPERTIES
           ('delta.checkpointInterval' = '2', 'delta.checkpoint.writeStatsAsJson' = 'false', 'delta.checkpoint.writeStatsAsStruct' = 'true')""",
    )
    for n in range(5):
        spark.sql(path, f"INSERT INTO @ VALUES ({n}, 'n{n}', DATE'2024-01-0{n + 1}')")
    spark.forget()
    LogFolder(path).drop_before_checkpoint()


@fixture('spark')
def checkpoints_parts(spark, path):
    """Checkpoints in several parts."""
    with spark.settings({'spark.databricks.delta.checkpoint.partSize': '2'}):
        spark.sql(path, "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.checkpointInterval' = '3')")
        numbered_inserts(spark, path, 7)
    spark.forget()
    LogFolder(path).drop_before_checkpoint()


@fixture(*SPARKS)
def checkpoints_v2_json(spark, path):
    """V2 checkpoints in JSON with sidecars."""
    checkpoints_v2(spark, path, 'json')


@fixture('spark')
def checkpoints_v2_parquet(spark, path):
    """V2 checkpoints in Parquet with sidecars, and deletion vectors."""
    checkpoints_v2(spark, path, 'parquet')


def checkpoints_v2(spark, path, form):
    settings = {'spark.databricks.delta.checkpointV2.topLevelFileFormat': form, 'spark.databricks.delta.checkpoint.partSize': '2'}
    with spark.settings(settings):
        spark.sql(
            path,
            """CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES
               ('delta.checkpointInterval' = '3', 'delta.checkpointPolicy' = 'v2', 'delta.enableDeletionVectors' = 'true')""",
            "INSERT INTO @ SELECT id, concat('m', id) FROM range(1000, 1050, 1, 1)",
            'DELETE FROM @ WHERE id = 1007',
        )
        numbered_inserts(spark, path, 6)
    spark.forget()
    LogFolder(path).drop_before_checkpoint()


@fixture('spark')
def log_compacted(spark, path):
    """A log with a compaction file in place of what it stands for."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, name STRING) USING delta')
    numbered_inserts(spark, path, 5)
    spark.sql(path, 'DELETE FROM @ WHERE id = 2', "INSERT INTO @ VALUES (9, 'n9')")
    spark.forget()
    LogFolder(path).compact(1, 6)


@fixture('spark')
def last_checkpoint_wrong(spark, path):
    """A `_last_checkpoint` that names a checkpoint that is not there."""
    spark.sql(path, "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.checkpointInterval' = '3')")
    numbered_inserts(spark, path, 7)
    spark.forget()
    LogFolder(path).put('_last_checkpoint', '{"version":5,"size":9}')


def numbered_inserts(spark, path, count):
    for n in range(count):
        spark.sql(path, f"INSERT INTO @ VALUES ({n}, 'n{n}')")


@fixture(*SPARKS)
def in_commit_timestamps(spark, path):
    """In-commit timestamps from the first version on."""
    spark.sql(path, "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')")
    numbered_inserts(spark, path, 3)


@fixture('spark')
def in_commit_timestamps_later(spark, path):
    """In-commit timestamps turned on when the table had versions."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, name STRING) USING delta')
    numbered_inserts(spark, path, 2)
    spark.sql(path, "ALTER TABLE @ SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')")
    spark.sql(path, "INSERT INTO @ VALUES (9, 'n9')")


# Change feed, constraints and the other features


@fixture(*SPARKS, changes=1)
def change_feed(spark, path):
    """A change feed of inserts, updates, deletes and a merge, rewritten files."""
    spark.sql(path, "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    row_changes(spark, path)


@fixture('spark', changes=1)
def change_feed_vectors(spark, path):
    """A change feed of a partitioned table with deletion vectors."""
    spark.sql(
        path,
        """CREATE TABLE @ (id BIGINT, name STRING) USING delta PARTITIONED BY (name)
           TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'true')""",
    )
    row_changes(spark, path)


@fixture('spark', changes=1, append="SELECT 10::BIGINT AS id, 'x' AS title")
def change_feed_mapped(spark, path):
    """A change feed of a table with column mapping and a column renamed before the first change."""
    spark.sql(
        path,
        """CREATE TABLE @ (id BIGINT, old STRING) USING delta
           TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.columnMapping.mode' = 'name')""",
        'ALTER TABLE @ RENAME COLUMN old TO title',
    )
    row_changes(spark, path, 'title')


def row_changes(spark, path, name='name'):
    spark.sql(
        path,
        "INSERT INTO @ SELECT /*+ COALESCE(1) */ id, concat('n', id % 3) FROM range(0, 12, 1, 1)",
        f"UPDATE @ SET {name} = 'n9' WHERE id IN (1, 5)",
        'DELETE FROM @ WHERE id % 4 = 0',
        f"""MERGE INTO @ t USING (SELECT id FROM range(9, 14)) s ON t.id = s.id
            WHEN MATCHED AND s.id = 9 THEN DELETE WHEN MATCHED THEN UPDATE SET {name} = 'm' WHEN NOT MATCHED THEN INSERT (id, {name}) VALUES (s.id, 'new')""",
        'DELETE FROM @ WHERE id > 12',
        'OPTIMIZE @',
    )


@fixture(*SPARKS, append='SELECT 10::BIGINT AS id, 5 AS amount, {\'n\': 1} AS who')
def constraints(spark, path):
    """CHECK constraints and NOT NULL, also in a struct."""
    spark.sql(
        path,
        'CREATE TABLE @ (id BIGINT NOT NULL, amount INT, who STRUCT<n: INT NOT NULL>) USING delta',
        'ALTER TABLE @ ADD CONSTRAINT positive CHECK (amount > 0)',
        'ALTER TABLE @ ADD CONSTRAINT small CHECK (amount IS NULL OR amount < 1000)',
        "INSERT INTO @ VALUES (1, 1, named_struct('n', 1)), (2, 999, named_struct('n', 2))",
    )


@fixture('spark4')
def append_only(spark, path):
    """An append-only table."""
    spark.sql(path, "CREATE TABLE @ (id BIGINT) USING delta TBLPROPERTIES ('delta.appendOnly' = 'true')", 'INSERT INTO @ VALUES (1), (2)')


@fixture('spark4', refused={'write': 'rowTracking'})
def row_tracking(spark, path):
    """Row tracking, with rows that moved."""
    spark.sql(
        path,
        "CREATE TABLE @ (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true')",
        "INSERT INTO @ VALUES (1, 'a'), (2, 'b')",
        "UPDATE @ SET name = 'c' WHERE id = 2",
    )


@fixture('spark', refused={'write': 'generatedColumns'})
def generated(spark, path):
    """A generated column."""
    spark.create(path, [spark.column('id', 'BIGINT'), spark.column('twice', 'BIGINT').generatedAlwaysAs('id * 2')])
    spark.sql(path, 'INSERT INTO @ (id) VALUES (1), (2)')


@fixture('spark', refused={'write': 'identityColumns'}, append="SELECT 'x' AS name")
def identity(spark, path):
    """An identity column."""
    spark.create(path, [spark.column('id', 'BIGINT').generatedByDefaultAsIdentity(5, 2), spark.column('name', 'STRING')])
    spark.sql(path, "INSERT INTO @ (name) VALUES ('a'), ('b')")


@fixture('spark4', refused={'write': 'allowColumnDefaults'})
def defaults(spark, path):
    """A column with a default."""
    spark.sql(
        path,
        "CREATE TABLE @ (id BIGINT, name STRING DEFAULT 'none') USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
        'INSERT INTO @ (id) VALUES (1)',
    )


@fixture('spark4', refused={'write': 'clustering'})
def clustered(spark, path):
    """Liquid clustering."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, name STRING) USING delta CLUSTER BY (id)')
    numbered_inserts(spark, path, 3)
    spark.sql(path, 'OPTIMIZE @')


# Histories


@fixture('spark')
def replaced(spark, path):
    """A table replaced by one of another schema, another partitioning and the same name."""
    spark.sql(
        path,
        'CREATE TABLE @ (id STRING, p INT) USING delta PARTITIONED BY (p)',
        "INSERT INTO @ VALUES ('a', 1), ('b', 2)",
    )
    rows = spark.session.createDataFrame([(1, 'x', 'y'), (2, None, 'z')], 'id BIGINT, q STRING, p STRING').coalesce(1)
    rows.write.format('delta').mode('overwrite').option('overwriteSchema', 'true').partitionBy('q').save(path)


@fixture('spark', append="SELECT 10::BIGINT AS id, {'a': 1, 'b': {'c': 'x', 'd': 4}} AS st")
def evolved(spark, path):
    """Columns added at the top, within a struct and within a list, in the middle and first."""
    spark.sql(
        path,
        'CREATE TABLE @ (id BIGINT, st STRUCT<a: INT, b: STRUCT<c: STRING>>, list ARRAY<STRUCT<x: INT>>) USING delta',
        "INSERT INTO @ VALUES (1, named_struct('a', 1, 'b', named_struct('c', 'x')), array(named_struct('x', 1))), (2, NULL, NULL)",
        'ALTER TABLE @ ADD COLUMNS (first INT FIRST, mid STRING AFTER id)',
        'ALTER TABLE @ ADD COLUMNS (st.b.d INT, list.element.y STRING FIRST)',
        "INSERT INTO @ VALUES (7, 3, 'm', named_struct('a', 2, 'b', named_struct('c', 'y', 'd', 9)), array(named_struct('y', 'q', 'x', 2), NULL))",
    )


@fixture('spark')
def overwritten(spark, path):
    """Overwrites of the whole table, of a predicate and of the partitions that the rows name."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, p STRING) USING delta PARTITIONED BY (p)')
    write = lambda rows: spark.session.createDataFrame(rows, 'id BIGINT, p STRING').coalesce(1).write.format('delta').mode('overwrite')
    write([(1, 'a'), (2, 'b'), (3, 'c')]).save(path)
    write([(4, 'b')]).option('replaceWhere', "p = 'b'").save(path)
    write([(5, 'c'), (6, 'd')]).option('partitionOverwriteMode', 'dynamic').save(path)


@fixture('spark', stays=True)
def cloned(spark, path):
    """A shallow clone: data files of another table by absolute paths, and a deletion vector and rows of its own."""
    source = path + ' source'
    spark.sql(
        source,
        "CREATE TABLE @ (id BIGINT, p STRING) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "INSERT INTO @ SELECT id, concat('p ', id % 2) FROM range(0, 20, 1, 1)",
        'DELETE FROM @ WHERE id = 3',
    )
    spark.sql(path, f'CREATE TABLE @ SHALLOW CLONE delta.`{source}`', 'DELETE FROM @ WHERE id = 4', "INSERT INTO @ VALUES (100, 'p 0')")


@fixture('spark')
def converted(spark, path):
    """Parquet folders of Hive turned into a table in place."""
    frame = spark.session.createDataFrame([(1, 'a b'), (2, 'c'), (3, None)], 'id BIGINT, p STRING')
    frame.coalesce(1).write.partitionBy('p').parquet(path)
    spark.session.sql(f'CONVERT TO DELTA parquet.`{path}` PARTITIONED BY (p STRING)')


@fixture('spark', vacuumed=True)
def maintained(spark, path):
    """A table that was optimized, ordered and vacuumed."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, name STRING) USING delta')
    numbered_inserts(spark, path, 4)
    spark.sql(path, 'OPTIMIZE @ ZORDER BY (id)', 'DELETE FROM @ WHERE id = 1')
    with spark.settings({'spark.databricks.delta.retentionDurationCheck.enabled': 'false', 'spark.databricks.delta.vacuum.logging.enabled': 'true'}):
        spark.sql(path, 'VACUUM @ RETAIN 0 HOURS')


@fixture('spark')
def restored(spark, path):
    """A table restored to an older version, and loaded on."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, name STRING) USING delta')
    numbered_inserts(spark, path, 3)
    spark.sql(path, 'DELETE FROM @', 'RESTORE TABLE @ TO VERSION AS OF 2', "INSERT INTO @ VALUES (9, 'n9')")


@fixture('spark', append="SELECT 10::BIGINT AS id, 'abc' AS c", void=['nothing'])
def char_and_void(spark, path):
    """Columns of types that exist in Spark alone: CHAR, VARCHAR and VOID."""
    spark.sql(path, 'CREATE TABLE @ (id BIGINT, c CHAR(3), v VARCHAR(5), nothing VOID) USING delta')
    spark.sql(path, "INSERT INTO @ (id, c, v) VALUES (1, 'abc', 'b'), (2, NULL, NULL)")


@fixture('spark4')
def empty(spark, path):
    """A table without a row."""
    spark.sql(path, "CREATE TABLE @ (id BIGINT, p STRING) USING delta PARTITIONED BY (p) COMMENT 'none yet'")


# delta-rs


def arrow_rows(sql: str):
    import duckdb

    return duckdb.execute(sql).to_arrow_table()


@fixture('delta-rs')
def rs_types(rs, path):
    """Every type, with its least, greatest and special values; timestamps with and without a zone."""
    rs.write(
        path,
        arrow_rows("""SELECT * FROM (VALUES
          (1::BIGINT, '-128'::TINYINT, '-32768'::SMALLINT, '-2147483648'::INT, '-3.4e38'::FLOAT, '-0.0'::DOUBLE, '-9999999.99'::DECIMAL(9,2), true, '\\x00\\xFF'::BLOB, DATE '1900-01-01',
            TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', TIMESTAMP '2024-03-10 02:30:00.123456', '', [1, NULL], {'a': 1, 'b': {'c': 'x'}}, MAP {'k': 1.5::DECIMAL(9,2)}),
          (9007199254740993, NULL, NULL, NULL, 'nan', 'inf', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
          (3, '127'::TINYINT, 32767, 2147483647, 0.5, 5e-324, 9999999.99, false, ''::BLOB, DATE '9999-12-31', TIMESTAMPTZ '2024-01-01 00:00:00+00', TIMESTAMP '1900-01-01 00:00:00',
            repeat('x', 300), [], {'a': NULL, 'b': NULL}, MAP {})
          ) AS t(id, b, s, i, f, d, n, flag, bin, "day", "at", naive, "text", list, st, m)"""),
        'append',
        [],
    )


@fixture('delta-rs', append="SELECT 1000::BIGINT AS id, 'a/b %41' AS p")
def rs_awkward_paths(rs, path):
    """Partition values whose characters have to be escaped."""
    texts = ', '.join(f"({n}, '{text.replace(chr(39), chr(39) * 2)}')" for n, text in enumerate(AWKWARD) if text not in ('.', '..'))
    rs.write(path, arrow_rows(f'SELECT id::BIGINT AS id, p FROM (VALUES {texts}, (999, NULL)) AS t(id, p)'), 'append', ['p'])


@fixture('delta-rs', append="SELECT 10::BIGINT AS id, DATE '2024-05-05' AS day")
def rs_partition_types(rs, path):
    """Partition columns of several types."""
    rs.write(
        path,
        arrow_rows("""SELECT * FROM (VALUES
          (1::BIGINT, -5::INT, '-9223372036854775808'::BIGINT, '1.50'::DECIMAL(9,2), true, DATE '1582-10-04', TIMESTAMPTZ '2024-01-02 03:04:05.123456+00', TIMESTAMP '2024-01-02 03:04:05'),
          (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
          (3, 0, 9007199254740993, '0.00', false, DATE '9999-12-31', TIMESTAMPTZ '1969-12-31 23:59:59+00', TIMESTAMP '1969-12-31 23:59:59.5')
          ) AS t(id, i, l, n, flag, "day", "at", naive)"""),
        'append',
        ['i', 'l', 'n', 'flag', 'day', 'at', 'naive'],
    )


@fixture('delta-rs')
def rs_row_changes(rs, path):
    """Updates, deletes, merges, compaction, z-order and a checkpoint."""
    rs_changes(rs, path, {})


@fixture('delta-rs', changes=1)
def rs_change_feed(rs, path):
    """The same with a change feed."""
    rs_changes(rs, path, {'delta.enableChangeDataFeed': 'true'})


def rs_changes(rs, path, configuration):
    from deltalake import DeltaTable, write_deltalake

    rows = lambda start, end: arrow_rows(f"SELECT i::BIGINT AS id, 'n' || i % 3 AS name FROM range({start}, {end}) t(i)")
    write_deltalake(path, rows(0, 12), configuration=configuration)
    write_deltalake(path, rows(12, 20), mode='append')
    table = DeltaTable(path)
    table.update(predicate='id = 1 OR id = 5', updates={'name': "'n9'"})
    table.delete('id % 4 = 0')
    merge = table.merge(rows(18, 23), predicate='t.id = s.id', source_alias='s', target_alias='t')
    merge.when_matched_delete('s.id = 18').when_matched_update_all().when_not_matched_insert_all().execute()
    table.optimize.compact()
    table.create_checkpoint()
    table.optimize.z_order(['name'])
    write_deltalake(path, rows(30, 31), mode='append')


@fixture('delta-rs')
def rs_evolved(rs, path):
    """Columns added by writes, an overwrite of a predicate, and a CHECK constraint."""
    from deltalake import DeltaTable, write_deltalake

    write_deltalake(path, arrow_rows("SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, NULL)) AS t(id, name)"))
    write_deltalake(path, arrow_rows("SELECT 3::BIGINT AS id, 'c' AS name, {'x': 1} AS st, [1.5::DECIMAL(9,2)] AS list"), mode='append', schema_mode='merge')
    write_deltalake(path, arrow_rows("SELECT 2::BIGINT AS id, 'again' AS name, NULL::STRUCT(x INT) AS st, NULL::DECIMAL(9,2)[] AS list"), mode='overwrite', predicate='id = 2')
    DeltaTable(path).alter.add_constraint({'far': 'id < 1000000'})


class LogFolder:
    """What a log can hold and no writer at hand makes: edits of `_delta_log` by hand."""

    def __init__(self, table: str):
        self.table = table
        self.folder = os.path.join(table, '_delta_log')

    def versions(self) -> list[int]:
        return sorted(int(name[:20]) for name in os.listdir(self.folder) if len(name) == 25 and name.endswith('.json'))

    def actions(self, version: int) -> list[dict]:
        with open(os.path.join(self.folder, f'{version:020d}.json'), encoding='utf-8') as file:
            return [json.loads(line) for line in file if line.strip()]

    def write(self, version: int, actions: list[dict]) -> None:
        self.put(f'{version:020d}.json', ''.join(json.dumps(action, separators=(',', ':')) + '\n' for action in actions))

    def put(self, name: str, text: str) -> None:
        self.forget_checksum(name)
        with open(os.path.join(self.folder, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def forget_checksum(self, name: str) -> None:
        """Hadoop refuses a file whose neighbour holds the checksum of other bytes."""
        try:
            os.unlink(os.path.join(self.folder, f'.{name}.crc'))
        except FileNotFoundError:
            pass

    def drop_before_checkpoint(self) -> None:
        newest = max(name for name in os.listdir(self.folder) if '.checkpoint.' in name and not name.startswith('.'))[:20]
        for name in os.listdir(self.folder):
            if name.lstrip('.')[:20] < newest and name.lstrip('.')[:20].isdigit():
                os.unlink(os.path.join(self.folder, name))

    def compact(self, first: int, last: int) -> None:
        """Protocol, section «Log Compaction Files»: reconciled actions of the commits, which may go."""
        newest: dict[tuple, dict] = {}
        for version in range(first, last + 1):
            for action in self.actions(version):
                (kind, fields) = next(iter(action.items()))
                if kind in ('add', 'remove'):
                    newest[('file', fields['path'], json.dumps(fields.get('deletionVector')))] = action
                elif kind != 'commitInfo':
                    newest[(kind, fields.get('appId') or fields.get('domain'))] = action
        self.put(f'{first:020d}.{last:020d}.compacted.json', ''.join(json.dumps(action) + '\n' for action in newest.values()))

    def moved_vector(self, vector: dict, storage: str) -> dict:
        """The same deletion vector, kept elsewhere: `i` in the log, `p` by an absolute path."""
        path = os.path.join(self.table, vector_name(vector['pathOrInlineDv']))
        if storage == 'p':
            return {**vector, 'storageType': 'p', 'pathOrInlineDv': 'file://' + path}
        with open(path, 'rb') as file:
            file.seek(vector['offset'] + 4)
            data = file.read(vector['sizeInBytes'])
        return {key: value for key, value in {**vector, 'storageType': 'i', 'pathOrInlineDv': z85(data)}.items() if key != 'offset'}


Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'


def z85(data: bytes) -> str:
    padded = data + b'\0' * (-len(data) % 4)
    text = ''
    for start in range(0, len(padded), 4):
        value = int.from_bytes(padded[start : start + 4], 'big')
        text += ''.join(Z85[value // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return text


def vector_name(encoded: str) -> str:
    import uuid

    prefix, digits = encoded[:-20], encoded[-20:]
    data = b''
    for start in range(0, 20, 5):
        value = 0
        for character in digits[start : start + 5]:
            value = value * 85 + Z85.index(character)
        data += value.to_bytes(4, 'big')
    return os.path.join(prefix, f'deletion_vector_{uuid.UUID(bytes=data)}.bin')


def main() -> None:
    if sys.argv[1:] == ['--list']:
        listed = [(writer, name, facts) for writer, named in FIXTURES.items() for name, facts in named.items()]
        return print(json.dumps([{'writer': writer, 'name': name, 'feed': 'changes' in facts} for writer, name, facts in listed]))
    from read_table import READERS, reason

    writer, folder, *names = sys.argv[1:]
    maker = READERS[writer]()
    failed = 0
    for name in names or FIXTURES[writer]:
        try:
            make(writer, name, os.path.abspath(folder), maker)
            print(f'{writer}/{name}', flush=True)
        except Exception as error:
            failed += 1
            print(f'{writer}/{name} FAILED {reason(error)}', flush=True)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
