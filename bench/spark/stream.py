"""Kafka -> bronze as a stream in PySpark, a batch as soon as the last one is done. What bench/spark/freshness.ts compares with.

Usage: stream.py <brokers> <topic> <work folder> <jars>
"""

import sys

from session import META, from_topic, parsed, start

brokers, topic, work, jars = sys.argv[1:5]

spark = start(work, jars, 2)
records = from_topic(spark.readStream, brokers, topic).load()
events = parsed(records).select("event.*", *META)
query = events.writeStream.format("delta").option("checkpointLocation", f"{work}/checkpoint").start(f"{work}/bronze")
query.awaitTermination()
