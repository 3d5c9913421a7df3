"""Kafka -> bronze as a stream in PySpark, a batch as soon as the last one is done. What bench/spark/freshness.ts compares with.

Usage: stream.py <brokers> <topic> <work folder> <jars>
"""

import glob
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

brokers, topic, work, jars = sys.argv[1:5]
FIELDS = ["event_id", "user_id", "event_type", "page", "timestamp", "source"]

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(glob.glob(f"{jars}/*.jar")))
    .config("spark.driver.memory", "4g")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.shuffle.partitions", 2)
    .config("spark.databricks.delta.snapshotPartitions", 2)
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.local.dir", f"{work}/scratch")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
records = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", brokers)
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .load()
)
schema = StructType([StructField(name, StringType()) for name in FIELDS])
events = records.select(
    F.from_json(F.col("value").cast("string"), schema).alias("event"),
    F.col("partition").alias("log_partition"),
    F.col("offset").alias("log_offset"),
    F.col("timestamp").alias("log_timestamp"),
    F.current_timestamp().alias("ingestion_timestamp"),
).select("event.*", "log_partition", "log_offset", "log_timestamp", "ingestion_timestamp")
query = events.writeStream.format("delta").option("checkpointLocation", f"{work}/checkpoint").start(f"{work}/bronze")
query.awaitTermination()
