"""Values as every judge has to write them, so that they can be compared: see canonical.ts."""
import datetime
import decimal
import json
import math
import struct

EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


def canonical(value, is_map=lambda value: isinstance(value, dict)):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"f{struct.pack('>d', value).hex()}"
    if isinstance(value, decimal.Decimal):
        return f"d{value:f}"
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return f"t{(value - EPOCH) // MICROSECOND}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return f"x{value.hex()}"
    if is_map(value):
        pairs = value.items() if isinstance(value, dict) else value
        entries = sorted(([canonical(k), canonical(v, is_map)] for k, v in pairs), key=dumps)
        return {"map": entries} if entries else []
    if isinstance(value, dict):
        return [canonical(item, is_map) for item in value.values()]
    return [canonical(item, is_map) for item in value]


def dumps(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
