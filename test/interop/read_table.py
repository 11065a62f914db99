"""A reader of Delta tables as a long-lived process: `python read_table.py delta-rs|arrow|duckdb|spark|spark4`.

One JSON request a line on stdin, one JSON answer a line on stdout: {"op": …} → {"ok": …} or {"error": …}.

  read    table                → {names, rows}: every row, canonical and sorted
  read    table, versions      → [{names, rows}]: those of each version
  size    table                → number of rows, all of which were read
  count   table, filters       → {counts, expected}: what the reader's own filters find, and what a look at every row finds
  append  table, sql           → {}: rows of a DuckDB query, appended by the reader's own writer (delta-rs, spark)
  create  table, sql, partitions → {}: the same for a new table
  change  table, change        → {}: an update, delete, merge, optimize, checkpoint or vacuum (delta-rs, spark, spark4)
  changes table, from          → {names, rows}: the change feed from a version on (delta-rs, spark, spark4)
  fixture writer, fixture, folder → {}: a table of fixtures.py
  version table                → {version, schema, partitions}: as the reader understands the log
  query   sql                  → {names, rows}: any DuckDB query (duckdb)
  run     sql                  → {}: any statement (duckdb, spark)
"""

import contextlib
import glob
import json
import os
import sys
import tempfile

import pyarrow as pa
import pyarrow.compute as pc

from canonical import rows_of
from filters import expected, predicate
from fixtures import make


class DuckDb:
    """The Delta kernel, through DuckDB's extension; DuckDB alone for landing files."""

    dialect = 'duckdb'

    def __init__(self):
        import duckdb
        import duckdb_extension_delta

        folder = os.path.join(os.path.dirname(duckdb_extension_delta.__file__), 'extensions')
        extension = glob.glob(os.path.join(folder, '*', 'delta.duckdb_extension'))[0]
        self.connection = duckdb.connect(config={'allow_unsigned_extensions': 'true'})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(f"LOAD '{extension}'")

    def table(self, path: str, version: int | None = None) -> pa.Table:
        return self.query(f'SELECT * FROM {self.scan(path, version)}')

    def tables(self, path: str, versions: list[int]) -> list[pa.Table]:
        return [self.table(path, version) for version in versions]

    def scan(self, path: str, version: int | None = None) -> str:
        at = '' if version is None else f', version => {version}'
        return "delta_scan('" + path.replace("'", "''") + f"'{at})"

    def query(self, sql: str) -> pa.Table:
        return self.connection.execute(sql).to_arrow_table()

    def run(self, sql: str) -> None:
        self.connection.execute(sql)

    def counts(self, path: str, predicates: list[str]) -> list[int]:
        return [self.connection.execute(f'SELECT count(*) FROM {self.scan(path)} WHERE {p}').fetchone()[0] for p in predicates]


class DeltaRs:
    """delta-rs with DataFusion; and as a writer."""

    dialect = 'datafusion'

    def table(self, path: str, version: int | None = None) -> pa.Table:
        return self.query(path, 'SELECT * FROM t', version)

    def tables(self, path: str, versions: list[int]) -> list[pa.Table]:
        return [self.table(path, version) for version in versions]

    def query(self, path: str, sql: str, version: int | None = None) -> pa.Table:
        from deltalake import DeltaTable, QueryBuilder

        return pa.table(QueryBuilder().register('t', DeltaTable(path, version=version)).execute(sql).read_all())

    def forget(self) -> None:
        """Keeps nothing of a table."""

    def versions(self, path: str) -> list[int]:
        from deltalake import DeltaTable

        return sorted(commit['version'] for commit in DeltaTable(path).history())

    def partitions(self, path: str) -> list[str]:
        from deltalake import DeltaTable

        return DeltaTable(path).metadata().partition_columns

    def changes(self, path: str, start: int) -> pa.Table:
        from deltalake import DeltaTable

        return pa.table(DeltaTable(path).load_cdf(starting_version=start).read_all()).drop_columns(['_commit_timestamp'])

    def counts(self, path: str, predicates: list[str]) -> list[int]:
        return [self.query(path, f'SELECT count(*) FROM t WHERE {p}').column(0)[0].as_py() for p in predicates]

    def write(self, path: str, rows: pa.Table, mode: str, partitions: list[str]) -> None:
        from deltalake import write_deltalake

        write_deltalake(path, rows, mode=mode, partition_by=partitions or None)

    def version(self, path: str) -> dict:
        from deltalake import DeltaTable

        table = DeltaTable(path)
        return {
            'version': table.version(),
            'schema': json.loads(table.schema().to_json()),
            'partitions': table.metadata().partition_columns,
        }


    def change(self, path: str, change: dict) -> None:
        from deltalake import DeltaTable

        table = DeltaTable(path)
        kind = change['kind']
        if kind == 'update':
            table.update(updates=change['set'], predicate=change['where'])
        elif kind == 'delete':
            table.delete(change['where'])
        elif kind == 'merge':
            predicate = f't."{change["key"]}" = s."{change["key"]}"'
            merge = table.merge(landing_rows(change['rows']), predicate, source_alias='s', target_alias='t')
            merge.when_matched_update_all().when_not_matched_insert_all().execute()
        elif kind == 'optimize':
            table.optimize.compact()
        elif kind == 'checkpoint':
            table.create_checkpoint()
        elif kind == 'vacuum':
            table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        else:
            raise ValueError(f'unknown change {kind}')


class Arrow(DeltaRs):
    """delta-rs, read by pyarrow's own datasets: other code between the log and the rows."""

    def table(self, path: str, version: int | None = None) -> pa.Table:
        from deltalake import DeltaTable

        return DeltaTable(path, version=version).to_pyarrow_table()


# Spark writes timestamps as INT96 in a session whose zone is not UTC: no reader may see a difference.
AWAY = {'spark.sql.session.timeZone': 'America/New_York', 'spark.sql.parquet.outputTimestampType': 'INT96'}


class Spark:
    """Spark with Delta's own library, from the folder of jars in the environment."""

    dialect = 'spark'
    jars = 'INGEST_TEST_SPARK_JARS'

    def __init__(self):
        from pyspark.sql import SparkSession

        jars = glob.glob(os.path.join(os.environ[self.jars], '*.jar'))
        scratch = tempfile.mkdtemp(prefix='ingest-spark-')
        settings = {
            'spark.jars': ','.join(jars),
            'spark.driver.host': '127.0.0.1',
            'spark.driver.bindAddress': '127.0.0.1',
            'spark.driver.memory': '2g',
            # Hundreds of tiny queries: what compiles code takes longer than what the code then does.
            'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
            'spark.sql.adaptive.enabled': 'false',
            'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
            'spark.sql.codegen.wholeStage': 'false',
            'spark.ui.enabled': 'false',
            'spark.ui.showConsoleProgress': 'false',
            'spark.sql.shuffle.partitions': '1',
            'spark.sql.session.timeZone': 'UTC',
            'spark.sql.warehouse.dir': scratch,
            'spark.local.dir': scratch,
            'spark.sql.sources.parallelPartitionDiscovery.parallelism': '2',
            'spark.databricks.delta.snapshotPartitions': '1',
            'spark.databricks.delta.allowArbitraryProperties.enabled': 'true',
            'spark.sql.extensions': 'io.delta.sql.DeltaSparkSessionExtension',
            'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
        }
        builder = SparkSession.builder.master('local[2]')
        for key, value in settings.items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel('ERROR')

    def frame(self, path: str, **options):
        return self.session.read.format('delta').options(**options).load(path)

    def table(self, path: str, version: int | None = None) -> pa.Table:
        return arrow_of(self.frame(path) if version is None else self.frame(path, versionAsOf=version))

    def tables(self, path: str, versions: list[int]) -> list[pa.Table]:
        """All in one query where they have one schema, since a query takes longer to plan than to run."""
        from functools import reduce

        from pyspark.sql.functions import lit

        frames = [self.frame(path, versionAsOf=version) for version in versions]
        if any(frame.dtypes != frames[0].dtypes for frame in frames):
            return [arrow_of(frame) for frame in frames]
        together = reduce(lambda one, next: one.unionAll(next), [f.withColumn('__version', lit(v)) for f, v in zip(frames, versions)])
        rows = arrow_of(together)
        return [rows.filter(pc.equal(rows['__version'], version)).drop_columns(['__version']) for version in versions]

    def forget(self) -> None:
        """Reads the log again, which may have been edited."""
        self.session._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()

    def versions(self, path: str) -> list[int]:
        """Versions that the log still tells: from its first commit, or from its first checkpoint."""
        names = os.listdir(os.path.join(path, '_delta_log'))
        commits = sorted(int(name[:20]) for name in names if len(name) == 25 and name.endswith('.json'))
        starts = sorted(int(name[:20]) for name in names if name[20:32] == '.checkpoint.')
        return [version for version in commits if version >= (0 if commits[0] == 0 else starts[0])]

    def partitions(self, path: str) -> list[str]:
        return list(self.session.sql(f'DESCRIBE DETAIL delta.`{path}`').collect()[0]['partitionColumns'])

    def changes(self, path: str, start: int) -> pa.Table:
        return arrow_of(self.frame(path, readChangeFeed='true', startingVersion=start).drop('_commit_timestamp'))

    def sql(self, path: str, *statements: str) -> None:
        """Statements where `@` stands for the table."""
        for statement in statements:
            self.session.sql(statement.replace('@', f'delta.`{path}`')).collect()

    @contextlib.contextmanager
    def settings(self, values: dict[str, str]):
        before = {key: self.session.conf.get(key, None) for key in values}
        for key, value in values.items():
            self.session.conf.set(key, value)
        try:
            yield
        finally:
            for key, value in before.items():
                self.session.conf.unset(key) if value is None else self.session.conf.set(key, value)

    def column(self, name: str, kind: str):
        """A column of a table that SQL of this Spark cannot say: generated or identity."""
        builder = self.session._jvm.io.delta.tables.DeltaTable.columnBuilder(self.session._jsparkSession, name)
        return builder.dataType(kind)

    def create(self, path: str, columns: list) -> None:
        builder = self.session._jvm.io.delta.tables.DeltaTable.create(self.session._jsparkSession).location(path)
        for column in columns:
            builder = builder.addColumn(column.build())
        builder.execute()

    def counts(self, path: str, predicates: list[str]) -> list[int]:
        self.frame(path).createOrReplaceTempView('t')
        found = {}
        for start in range(0, len(predicates), 24):
            parts = [f'SELECT {start + i} AS i, count(*) AS n FROM t WHERE {p}' for i, p in enumerate(predicates[start : start + 24])]
            found.update({row['i']: row['n'] for row in self.session.sql(' UNION ALL '.join(parts)).collect()})
        return [found[index] for index in range(len(predicates))]

    def write(self, path: str, rows: pa.Table, mode: str, partitions: list[str]) -> None:
        with self.settings(AWAY), self.frame_of(rows) as frame:
            writer = frame.write.format('delta').mode(mode)
            (writer.partitionBy(*partitions) if partitions else writer).save(path)

    @contextlib.contextmanager
    def frame_of(self, rows: pa.Table):
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(rows, os.path.join(folder, 'rows.parquet'))
            yield self.session.read.parquet(folder)

    def change(self, path: str, change: dict) -> None:
        with self.settings(AWAY):
            self.change_here(path, change)

    def change_here(self, path: str, change: dict) -> None:
        kind = change['kind']
        if kind == 'update':
            assignments = ', '.join(f'`{column}` = {value}' for column, value in change['set'].items())
            self.sql(path, f"UPDATE @ SET {assignments} WHERE {change['where']}")
        elif kind == 'delete':
            self.sql(path, f"DELETE FROM @ WHERE {change['where']}")
        elif kind == 'merge':
            key = change['key']
            with self.frame_of(landing_rows(change['rows'])) as frame:
                frame.createOrReplaceTempView('merged')
                matches = f'MERGE INTO @ t USING merged s ON t.`{key}` = s.`{key}`'
                self.sql(path, f'{matches} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *')
        elif kind == 'optimize':
            self.sql(path, 'OPTIMIZE @')
        elif kind == 'checkpoint':
            self.session._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.session._jsparkSession, path).checkpoint()
        elif kind == 'vacuum':
            with self.settings({'spark.databricks.delta.retentionDurationCheck.enabled': 'false'}):
                self.sql(path, 'VACUUM @ RETAIN 0 HOURS')
        else:
            raise ValueError(f'unknown change {kind}')

    def run(self, sql: str) -> None:
        self.session.sql(sql).collect()

    def version(self, path: str) -> dict:
        frame = self.frame(path)
        version = self.session.sql(f'DESCRIBE HISTORY delta.`{path}` LIMIT 1').collect()[0]['version']
        return {'version': version, 'schema': json.loads(frame.schema.json()), 'partitions': []}


class Spark4(Spark):
    """The same with Spark 4, which needs a Python environment of its own."""

    jars = 'INGEST_TEST_SPARK4_JARS'


READERS = {'delta-rs': DeltaRs, 'arrow': Arrow, 'duckdb': DuckDb, 'spark': Spark, 'spark4': Spark4}


def arrow_of(frame) -> pa.Table:
    # Not collect(): Row holds Python datetimes, which end at the year 9999.
    batches = frame._collect_as_arrow()
    return pa.Table.from_batches(batches) if batches else pa.table({name: pa.nulls(0) for name in frame.columns})


def table_answer(table: pa.Table) -> dict:
    return {'names': table.column_names, 'rows': rows_of(table)}


def landing_rows(sql: str) -> pa.Table:
    import duckdb

    return duckdb.execute(sql).to_arrow_table()


def answer(reader, request: dict) -> dict:
    op = request['op']
    if op == 'read':
        if 'versions' in request:
            return [table_answer(table) for table in reader.tables(request['table'], request['versions'])]
        return table_answer(reader.table(request['table']))
    if op == 'size':
        return reader.table(request['table']).num_rows
    if op == 'count':
        filters = request['filters']
        rows = reader.table(request['table'])
        found = reader.counts(request['table'], [predicate(filter_, reader.dialect) for filter_ in filters])
        return {'counts': found, 'expected': [expected(rows, filter_) for filter_ in filters]}
    if op in ('append', 'create'):
        mode = 'append' if op == 'append' else 'error'
        reader.write(request['table'], landing_rows(request['sql']), mode, request.get('partitions', []))
        return {}
    if op == 'change':
        reader.change(request['table'], request['change'])
        return {}
    if op == 'changes':
        return table_answer(reader.changes(request['table'], request['from']))
    if op == 'fixture':
        make(request['writer'], request['fixture'], request['folder'], reader)
        return {}
    if op == 'version':
        return reader.version(request['table'])
    if op == 'query':
        return table_answer(reader.query(request['sql']))
    if op == 'run':
        reader.run(request['sql'])
        return {}
    raise ValueError(f'unknown op {op}')


def reason(error: Exception) -> str:
    """A Java error without its stack: the first line and the causes."""
    lines = f'{type(error).__name__}: {error}'.splitlines()
    causes = [line.strip() for line in lines[1:] if 'Exception' in line and not line.lstrip().startswith('at ')]
    return '\n'.join([lines[0], *(causes or lines[1:20])])[:4000]


def main() -> None:
    # Libraries may print; only answers belong on the stdout that the driver reads.
    answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
    os.dup2(2, 1)
    reader = READERS[sys.argv[1]]()
    print(json.dumps({'ok': {'ready': sys.argv[1]}}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            reply = {'ok': answer(reader, json.loads(line))}
        except Exception as error:  # The driver decides what a refusal means.
            reply = {'error': reason(error)}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == '__main__':
    main()
