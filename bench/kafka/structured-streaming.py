"""raw-landing as PySpark's users write it: Structured Streaming, Kafka -> bronze on Delta.

Usage: structured-streaming.py <brokers> <topic> <work folder> <jars> <cores> <records a batch, 0: all in one>
Prints one line of JSON, milliseconds: a cold run, and a warm one in the same session on a new table.
"""

import glob
import json
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

brokers, topic, work, jars, cores, batch_records = sys.argv[1:7]
FIELDS = ["event_id", "user_id", "event_type", "page", "timestamp", "source"]

started = time.monotonic()
spark = (
    SparkSession.builder.master(f"local[{cores}]")
    .config("spark.jars", ",".join(glob.glob(f"{jars}/*.jar")))
    .config("spark.driver.memory", "4g")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    # Tuned for one machine, as bench/spark/reference.py is.
    .config("spark.sql.shuffle.partitions", cores)
    .config("spark.databricks.delta.snapshotPartitions", cores)
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.warehouse.dir", f"{work}/warehouse")
    .config("spark.local.dir", f"{work}/scratch")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
figures = {"startMs": (time.monotonic() - started) * 1000}


def land(lake):
    """Everything that is in the topic, once. Lines that are no JSON stay, with nulls: one sink, which is the least work."""
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
    )
    if int(batch_records):
        stream = stream.option("maxOffsetsPerTrigger", batch_records)
    schema = StructType([StructField(name, StringType()) for name in FIELDS])
    query = (
        stream.load()
        .select(
            F.from_json(F.col("value").cast("string"), schema).alias("event"),
            F.col("partition").alias("log_partition"),
            F.col("offset").alias("log_offset"),
            F.col("timestamp").alias("log_timestamp"),
            F.current_timestamp().alias("ingestion_timestamp"),
        )
        .select("event.*", "log_partition", "log_offset", "log_timestamp", "ingestion_timestamp")
        .writeStream.format("delta")
        .option("checkpointLocation", f"{lake}/checkpoint")
        .trigger(availableNow=True)
        .start(f"{lake}/bronze")
    )
    query.awaitTermination()


for run in ["cold", "warm"]:
    started = time.monotonic()
    land(f"{work}/{run}")
    figures[f"{run}Ms"] = (time.monotonic() - started) * 1000
bronze = spark.read.format("delta").load(f"{work}/warm/bronze")
figures["rows"] = bronze.count()
history = spark.sql(f"DESCRIBE HISTORY delta.`{work}/warm/bronze`")
figures["batches"] = history.where("operation = 'STREAMING UPDATE'").count()
print(json.dumps(figures), flush=True)
spark.stop()
