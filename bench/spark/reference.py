"""The pipeline as PySpark's users write it: Kafka -> bronze -> silver -> gold, on Delta. What bench/spark.ts compares with.

Usage: reference.py <brokers> <topic> <work folder> <jars> <cores> cold[,warm]
Prints one line of JSON, milliseconds: a cold run, and a warm one in the same session on new tables.
"""

import json
import os
import shutil
import sys
import time

from pyspark.sql import Window
from pyspark.sql import functions as F

from session import FIELDS, META, from_topic, parsed, start

brokers, topic, work, jars, cores, runs = sys.argv[1:7]

started = time.monotonic()
spark = start(work, jars, cores)
figures = {"startMs": (time.monotonic() - started) * 1000}


def cpu_ms(pid=None):
    """Of this process and its children, the JVM among them."""
    pid = pid or os.getpid()
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    return (int(fields[11]) + int(fields[12])) * 10 + sum(cpu_ms(child) for child in children)


def raw(lake):
    records = parsed(from_topic(spark.read, brokers, topic).load())
    good = F.col("event.event_id").isNotNull()
    records.where(good).select("event.*", *META).write.format("delta").mode("append").save(f"{lake}/bronze")
    records.where(~good).select("value", *META).write.format("delta").mode("append").save(f"{lake}/quarantine")


def silver(lake):
    valid = (
        spark.read.format("delta")
        .load(f"{lake}/bronze")
        .withColumn("user_id", F.expr("try_cast(user_id AS INT)"))
        .withColumn("timestamp", F.expr("try_to_timestamp(timestamp)"))
        .where("event_id IS NOT NULL AND timestamp IS NOT NULL")
        .where(F.col("event_type").isin("login", "click", "purchase", "logout"))
        .where(F.col("source").isin("web", "mobile"))
    )
    first = Window.partitionBy("event_id").orderBy("log_timestamp", "log_partition", "log_offset")
    events = (
        valid.withColumn("nth", F.row_number().over(first))
        .where("nth = 1")
        .select(*FIELDS, "log_partition", "log_offset", F.current_timestamp().alias("processed_timestamp"))
    )
    path = f"{lake}/silver"
    spark.createDataFrame([], events.schema).write.format("delta").mode("ignore").save(path)
    events.createOrReplaceTempView("events")
    spark.sql(
        f"MERGE INTO delta.`{path}` AS silver USING events ON silver.event_id = events.event_id "
        "WHEN NOT MATCHED THEN INSERT *"
    )


def gold(lake):
    events = spark.read.format("delta").load(f"{lake}/silver").withColumn("event_date", F.to_date("timestamp"))

    def save(rows, name, *by):
        rows.write.format("delta").mode("overwrite").partitionBy(*by).save(f"{lake}/{name}")

    save(events, "fact_events", "event_date")
    save(
        events.where("user_id IS NOT NULL")
        .groupBy("user_id")
        .agg(
            F.count("*").alias("total_events"),
            F.countDistinct("source").alias("source_count"),
            F.min("timestamp").alias("first_seen"),
            F.max("timestamp").alias("last_seen"),
        ),
        "dim_users",
    )
    pages = (
        events.where("page IS NOT NULL")
        .groupBy("page")
        .agg(F.count("*").alias("total_events"), F.countDistinct("user_id").alias("unique_users"))
    )
    save(
        pages.withColumn("popularity_rank", F.rank().over(Window.orderBy(F.desc("total_events")))), "dim_pages"
    )
    days = events.groupBy("event_date")
    save(days.agg(F.countDistinct("user_id").alias("dau_count")), "kpi_dau")
    save(events.groupBy("event_date", "source").agg(F.count("*").alias("event_count")), "kpi_events_per_source")
    purchases = F.count(F.when(F.col("event_type") == "purchase", 1)).alias("purchases")
    save(
        days.agg(purchases, F.count("*").alias("total_events")).withColumn(
            "conversion_rate", F.col("purchases") / F.col("total_events")
        ),
        "kpi_conversion_rate",
    )


for run in runs.split(","):
    lake = f"{work}/{run}"
    for name, job in [("Raw", raw), ("Silver", silver), ("Gold", gold), ("Nothing", silver)]:
        started, started_cpu = time.monotonic(), cpu_ms()
        job(lake)
        figures[f"{run}{name}Ms"] = (time.monotonic() - started) * 1000
        figures[f"{run}{name}CpuMs"] = cpu_ms() - started_cpu
    figures["silverRows"] = spark.read.format("delta").load(f"{lake}/silver").count()
    shutil.rmtree(lake)
print(json.dumps(figures), flush=True)
spark.stop()
