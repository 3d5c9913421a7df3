"""raw-landing as PySpark's users write it: Structured Streaming, Kafka -> bronze on Delta.

Usage: structured-streaming.py <brokers> <topic> <work folder> <jars> <cores> <records a batch, 0: all in one>
Prints one line of JSON, milliseconds: a cold run, and a warm one in the same session on a new table.
"""

import json
import sys
import time

from session import META, from_topic, parsed, start

brokers, topic, work, jars, cores, batch_records = sys.argv[1:7]

started = time.monotonic()
spark = start(work, jars, cores)
figures = {"startMs": (time.monotonic() - started) * 1000}


def land(lake):
    """Everything that is in the topic, once. Lines that are no JSON stay, with nulls: one sink, which is the least work."""
    stream = from_topic(spark.readStream, brokers, topic)
    if int(batch_records):
        stream = stream.option("maxOffsetsPerTrigger", batch_records)
    query = (
        parsed(stream.load())
        .select("event.*", *META)
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
