"""One case of delta-vs-deltalake.ts by delta-rs, in a process of its own; prints its figures.

`-durable` does what we do in any case: zstd at level 1, and files and folders flushed before the write counts as done.
"""
import json
import os
import resource
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, WriterProperties, write_deltalake


def flush(folder):
    """The files that came last, and the folders that name them."""
    for place in (folder, f"{folder}/_delta_log"):
        names = [f"{place}/{name}" for name in os.listdir(place)]
        newest = max((name for name in names if os.path.isfile(name)), key=os.path.getmtime)
        for name in (newest, place):
            descriptor = os.open(name, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)


name, root = sys.argv[1:3]
case = name.removesuffix("-durable")
durable = name != case
writer = {"writer_properties": WriterProperties(compression="ZSTD", compression_level=1)} if durable else {}
rows = pq.read_table(f"{root}/{'source' if case == 'merge' else case}.parquet") if case != "snapshot" else None
path = f"{root}/delta-rs/{name}"
begin = time.perf_counter()
cpu = time.process_time()
rounds = 1
if case == "append-1000":
    rounds = 20
    for _ in range(rounds):
        write_deltalake(path, rows, mode="append", **writer)
        if durable:
            flush(path)
elif case in ("append-1000000", "overwrite"):
    write_deltalake(path, rows, mode=case.split("-")[0], **writer)
    if durable:
        flush(path)
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
