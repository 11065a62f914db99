"""A reader of Delta tables as a long-lived process: `python read_table.py delta-rs|arrow|duckdb|spark`.

One JSON request a line on stdin, one JSON answer a line on stdout: {"op": …} → {"ok": …} or {"error": …}.

  read    table                → {names, rows}: every row, canonical and sorted
  count   table, filters       → {counts, expected}: what the reader's own filters find, and what a look at every row finds
  append  table, sql           → {}: rows of a DuckDB query, appended by the reader's own writer (delta-rs, spark)
  create  table, sql, partitions → {}: the same for a new table
  version table                → {version, schema, partitions}: as the reader understands the log
  query   sql                  → {names, rows}: any DuckDB query (duckdb)
  run     sql                  → {}: any statement (duckdb, spark)
"""

import glob
import json
import os
import sys
import tempfile

import pyarrow as pa

from canonical import rows_of
from filters import expected, predicate


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

    def table(self, path: str) -> pa.Table:
        return self.query(f'SELECT * FROM {self.scan(path)}')

    def scan(self, path: str) -> str:
        return "delta_scan('" + path.replace("'", "''") + "')"

    def query(self, sql: str) -> pa.Table:
        return self.connection.execute(sql).to_arrow_table()

    def run(self, sql: str) -> None:
        self.connection.execute(sql)

    def counts(self, path: str, predicates: list[str]) -> list[int]:
        return [self.connection.execute(f'SELECT count(*) FROM {self.scan(path)} WHERE {p}').fetchone()[0] for p in predicates]


class DeltaRs:
    """delta-rs with DataFusion; and as a writer."""

    dialect = 'datafusion'

    def table(self, path: str) -> pa.Table:
        return self.query(path, 'SELECT * FROM t')

    def query(self, path: str, sql: str) -> pa.Table:
        from deltalake import DeltaTable, QueryBuilder

        return pa.table(QueryBuilder().register('t', DeltaTable(path)).execute(sql).read_all())

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


class Arrow(DeltaRs):
    """delta-rs, read by pyarrow's own datasets: other code between the log and the rows."""

    def table(self, path: str) -> pa.Table:
        from deltalake import DeltaTable

        return DeltaTable(path).to_pyarrow_table()


class Spark:
    """Spark with Delta's own library; INGEST_TEST_SPARK_JARS is a folder that holds it."""

    dialect = 'spark'

    def __init__(self):
        from pyspark.sql import SparkSession

        jars = glob.glob(os.path.join(os.environ['INGEST_TEST_SPARK_JARS'], '*.jar'))
        scratch = tempfile.mkdtemp(prefix='ingest-spark-')
        settings = {
            'spark.jars': ','.join(jars),
            'spark.driver.host': '127.0.0.1',
            'spark.driver.bindAddress': '127.0.0.1',
            'spark.driver.memory': '2g',
            'spark.ui.enabled': 'false',
            'spark.sql.shuffle.partitions': '2',
            'spark.sql.session.timeZone': 'UTC',
            'spark.sql.warehouse.dir': scratch,
            'spark.local.dir': scratch,
            'spark.sql.sources.parallelPartitionDiscovery.parallelism': '2',
            'spark.databricks.delta.snapshotPartitions': '2',
            'spark.sql.extensions': 'io.delta.sql.DeltaSparkSessionExtension',
            'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
        }
        builder = SparkSession.builder.master('local[2]')
        for key, value in settings.items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel('ERROR')

    def frame(self, path: str):
        return self.session.read.format('delta').load(path)

    def table(self, path: str) -> pa.Table:
        # Not collect(): Row holds Python datetimes, which end at the year 9999.
        frame = self.frame(path)
        batches = frame._collect_as_arrow()
        return pa.Table.from_batches(batches) if batches else pa.table({name: pa.nulls(0) for name in frame.columns})

    def counts(self, path: str, predicates: list[str]) -> list[int]:
        self.frame(path).createOrReplaceTempView('t')
        found = {}
        for start in range(0, len(predicates), 24):
            parts = [f'SELECT {start + i} AS i, count(*) AS n FROM t WHERE {p}' for i, p in enumerate(predicates[start : start + 24])]
            found.update({row['i']: row['n'] for row in self.session.sql(' UNION ALL '.join(parts)).collect()})
        return [found[index] for index in range(len(predicates))]

    def write(self, path: str, rows: pa.Table, mode: str, partitions: list[str]) -> None:
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(rows, os.path.join(folder, 'rows.parquet'))
            writer = self.session.read.parquet(folder).write.format('delta').mode(mode)
            (writer.partitionBy(*partitions) if partitions else writer).save(path)

    def run(self, sql: str) -> None:
        self.session.sql(sql).collect()

    def version(self, path: str) -> dict:
        frame = self.frame(path)
        version = self.session.sql(f'DESCRIBE HISTORY delta.`{path}` LIMIT 1').collect()[0]['version']
        return {'version': version, 'schema': json.loads(frame.schema.json()), 'partitions': []}


READERS = {'delta-rs': DeltaRs, 'arrow': Arrow, 'duckdb': DuckDb, 'spark': Spark}


def table_answer(table: pa.Table) -> dict:
    return {'names': table.column_names, 'rows': rows_of(table)}


def landing_rows(sql: str) -> pa.Table:
    import duckdb

    return duckdb.execute(sql).to_arrow_table()


def answer(reader, request: dict) -> dict:
    op = request['op']
    if op == 'read':
        return table_answer(reader.table(request['table']))
    if op == 'count':
        filters = request['filters']
        rows = reader.table(request['table'])
        found = reader.counts(request['table'], [predicate(filter_, reader.dialect) for filter_ in filters])
        return {'counts': found, 'expected': [expected(rows, filter_) for filter_ in filters]}
    if op in ('append', 'create'):
        mode = 'append' if op == 'append' else 'error'
        reader.write(request['table'], landing_rows(request['sql']), mode, request.get('partitions', []))
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
