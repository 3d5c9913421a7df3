"""One case of delta-vs-deltalake.ts by delta-rs, in a process of its own; prints its figures."""
import json
import os
import resource
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

case, root = sys.argv[1:3]
rows = pq.read_table(f"{root}/{'source' if case == 'merge' else case}.parquet") if case != "snapshot" else None
path = f"{root}/delta-rs/{case}"
begin = time.perf_counter()
cpu = time.process_time()
rounds = 1
if case == "append-1000":
    rounds = 20
    for _ in range(rounds):
        write_deltalake(path, rows, mode="append")
elif case == "append-1000000":
    write_deltalake(path, rows, mode="append")
elif case == "overwrite":
    write_deltalake(path, rows, mode="overwrite")
elif case == "snapshot":
    DeltaTable(f"{root}/log").version()
else:
    merger = DeltaTable(path).merge(rows, predicate="s.id = t.id", source_alias="s", target_alias="t")
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
ms = (time.perf_counter() - begin) * 1000 / rounds
print(
    json.dumps(
        {
            "ms": ms,
            "cpuMs": (time.process_time() - cpu) * 1000 / rounds,
            "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
