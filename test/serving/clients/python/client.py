"""What clickhouse-connect sees of an endpoint: one line of JSON a check."""

import datetime
import json
import os
import re
import sys
from urllib.parse import urlparse

import clickhouse_connect


def say(check, value):
    print(json.dumps({"check": check, "value": value}), flush=True)


def code(run):
    try:
        run()
    except Exception as error:
        found = re.search(r"[Cc]ode: (\d+)", str(error))
        return int(found.group(1)) if found else -1
    return 0


url, user, password, compression = sys.argv[1:5]
address = urlparse(url)
client = clickhouse_connect.get_client(
    host=address.hostname,
    port=address.port,
    username=user,
    password=password,
    compress={"none": False, "default": True}.get(compression, compression),
)
say("types", len(client.query(os.environ["TYPES_QUERY"]).result_rows))
say("million", len(client.query("SELECT number, toString(number) FROM numbers(1000000)").result_rows))
say("empty", list(client.query("SELECT 1 AS a, now() AS t WHERE 0").column_names))
say("error", code(lambda: client.query("SELECT nope")))
say("late error", code(lambda: client.query("SELECT throwIf(number = 3000000) FROM numbers(4000000)").result_rows))
say("parameter", client.query("SELECT {x:Int32} AS x", parameters={"x": 5}).result_rows[0][0])
if user == "writer":
    client.command("CREATE DATABASE IF NOT EXISTS realtime")
    client.command("DROP TABLE IF EXISTS realtime.c")
    client.command("CREATE TABLE realtime.c (a Int32, s String, t DateTime('UTC')) ENGINE = MergeTree ORDER BY a")
    rows = [[i, f"it's \\ {i}", datetime.datetime(2026, 1, 1)] for i in range(10000)]
    client.insert("realtime.c", rows, column_names=["a", "s", "t"])
    say("insert", list(client.query("SELECT count(), sum(a) FROM realtime.c").result_rows[0]))
    client.command("CREATE TEMPORARY TABLE kept (a Int32)")
    client.insert("kept", [[1], [2]], column_names=["a"])
    say("session", client.query("SELECT sum(a) FROM kept").result_rows[0][0])
