"""What the references in PySpark share: the session, and how a record of the topic is parsed."""

import glob

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

FIELDS = ["event_id", "user_id", "event_type", "page", "timestamp", "source"]
META = ["log_partition", "log_offset", "log_timestamp", "ingestion_timestamp"]


def start(work, jars, cores):
    """Tuned for one machine: as many partitions as cores, small Delta logs, no web page."""
    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.jars", ",".join(glob.glob(f"{jars}/*.jar")))
        .config("spark.driver.memory", "4g")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
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
    return spark


def from_topic(reader, brokers, topic):
    """All of the topic, by spark.read or spark.readStream."""
    return (
        reader.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
    )


def parsed(records):
    """`event`, a struct of the fields, all null for what is no JSON; the `value` as it came; META."""
    schema = StructType([StructField(name, StringType()) for name in FIELDS])
    return records.select(
        F.from_json(F.col("value").cast("string"), schema).alias("event"),
        "value",
        F.col("partition").alias("log_partition"),
        F.col("offset").alias("log_offset"),
        F.col("timestamp").alias("log_timestamp"),
        F.current_timestamp().alias("ingestion_timestamp"),
    )
