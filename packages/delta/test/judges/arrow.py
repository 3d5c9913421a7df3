"""What pyarrow finds in an Arrow stream on its input, as one line of JSON."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pyarrow as pa
from canonical import canonical, dumps


def is_map(value):
    """A map comes as a list of pairs."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, tuple) for item in value)


reader = pa.ipc.open_stream(sys.stdin.buffer)
batches = list(reader)
table = pa.Table.from_batches(batches, reader.schema)
table.validate(full=True)
print(
    json.dumps(
        {
            "schema": [[field.name, str(field.type), field.nullable] for field in table.schema],
            "nulls": [column.null_count for column in table.columns],
            "batches": [batch.num_rows for batch in batches],
            "rows": sorted(
                dumps(canonical(list(row.values()), is_map)) for row in table.to_pylist(maps_as_pydicts=None)
            ),
        }
    )
)
