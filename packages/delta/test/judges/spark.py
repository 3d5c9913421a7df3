"""Spark with Delta answers questions about tables, and changes them, one line of JSON each; see judge.ts."""
import glob
import json
import os
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

from canonical import canonical, dumps
from pyspark.sql import SparkSession

# Spark prints to the standard output; the answers need it for themselves.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

jars, scratch = sys.argv[1:3]
settings = {
    "spark.jars": ",".join(sorted(glob.glob(f"{jars}/*.jar"))),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.default.parallelism": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.timezone=UTC -Dderby.system.home=" + scratch,
    "spark.sql.warehouse.dir": f"{scratch}/warehouse",
    "spark.local.dir": scratch,
}
builder = SparkSession.builder.master("local[2]")
for key, value in settings.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def frame(question):
    reader = spark.read.format("delta")
    if question.get("version") is not None:
        reader = reader.option("versionAsOf", question["version"])
    return reader.load(question["path"])


def look(question):
    path = question["path"]
    rows = frame(question)
    newest = spark.sql(f"DESCRIBE HISTORY delta.`{path}`").select("version", "operation").collect()
    return {
        "schema": json.loads(rows.schema.json()),
        "rows": sorted(dumps(canonical(row)) for row in rows.collect()),
        # Answered from the statistics where every file has them.
        "count": rows.count(),
        "history": sorted([row.version, row.operation] for row in newest),
    }


def changes(question):
    feed = spark.read.format("delta").option("readChangeFeed", "true")
    feed = feed.option("startingVersion", question["from"]).load(question["path"])
    feed = feed.drop("_commit_timestamp")
    return sorted(dumps(canonical(row)) for row in feed.collect())


def where(question):
    return [frame(question).where(text).count() for text in question["where"]]


def run(question):
    for statement in question["sql"]:
        spark.sql(statement)
    return None


ASK = {"look": look, "changes": changes, "where": where, "run": run}
for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"answer": ASK[question["ask"]](question)}
    except Exception as error:
        answer = {"error": str(error)[:4000]}
    print(dumps(answer), file=answers, flush=True)
spark.stop()
