"""Answers questions about Delta tables, one line of JSON each; see delta-rs.ts."""
import json
import sys

from deltalake import DeltaTable

for line in sys.stdin:
    question = json.loads(line)
    try:
        table = DeltaTable(question["path"])
        paths = [uri.rsplit("/", 1)[-1] for uri in table.file_uris()]
        answer = {
            "version": table.version(),
            "paths": sorted(paths),
            "position": table.transaction_version(question["appId"]),
        }
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
