"""The same upsert by delta-rs or Spark: peers_merge.py delta-rs|spark TABLE CHANGES"""
import os
import sys

engine, table, changes = sys.argv[1:]
THREADS = 2

if engine == "delta-rs":
    os.environ.setdefault("RAYON_NUM_THREADS", str(THREADS))
    import pyarrow.parquet as parquet
    from deltalake import DeltaTable

    target = DeltaTable(table)
    source = parquet.read_table(changes)
    columns = {name: f"s.{name}" for name in source.column_names}
    merger = target.merge(source=source, predicate="t.id = s.id", source_alias="s", target_alias="t")
    merger.when_matched_update(columns, predicate="s.updated_at > t.updated_at").when_not_matched_insert(columns).execute()
else:
    from pyspark.sql import SparkSession

    jars = os.environ["BENCH_SPARK_JARS"]
    spark = (
        SparkSession.builder.master(f"local[{THREADS}]")
        .config("spark.jars", ",".join(os.path.join(jars, name) for name in os.listdir(jars) if name.endswith(".jar")))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(THREADS))
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    source = spark.read.parquet(changes)
    source.createOrReplaceTempView("s")
    columns = source.columns
    spark.sql(
        f"merge into delta.`{table}` as t using s on t.id = s.id when matched and s.updated_at > t.updated_at then update set "
        + ", ".join(f"t.{name} = s.{name}" for name in columns)
        + f" when not matched then insert ({', '.join(columns)}) values ({', '.join(f's.{name}' for name in columns)})"
    )
    spark.stop()
