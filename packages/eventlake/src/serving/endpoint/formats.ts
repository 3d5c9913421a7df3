/** Content types as ClickHouse sends them; everything else is `text/plain`. */
export function contentType(format: string): string {
  if (/^(Pretty|TSKV|TabSeparated|TSV|Vertical|Values|LineAsString|Raw)/i.test(format)) {
    return /^(TabSeparated|TSV)/i.test(format)
      ? 'text/tab-separated-values; charset=UTF-8'
      : 'text/plain; charset=UTF-8';
  }
  if (/^CSV/i.test(format))
    return `text/csv; charset=UTF-8; header=${/WithNames/i.test(format) ? 'present' : 'absent'}`;
  if (/^JSON.*EachRow/i.test(format)) return 'application/x-ndjson; charset=UTF-8';
  if (/^JSON/i.test(format)) return 'application/json; charset=UTF-8';
  if (/^XML$/i.test(format)) return 'application/xml; charset=UTF-8';
  if (/^Markdown$/i.test(format)) return 'text/markdown; charset=UTF-8';
  if (/^(Native|RowBinary|Parquet|Arrow|ORC|Avro|MsgPack|Protobuf|CapnProto|Npy|BSON)/i.test(format)) {
    return 'application/octet-stream';
  }
  return 'text/plain; charset=UTF-8';
}
