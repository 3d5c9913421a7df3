/** What Grafana's ClickHouse plugin makes of a panel's query before it sends it. */
export function expandMacros(sql: string, { fromMs, toMs, intervalSeconds }: TimeRange): string {
  const at = (ms: number) => `toDateTime(${Math.floor(ms / 1000)})`;
  return sql
    .replaceAll(/\$__timeFilter\(([^)]+)\)/g, (_, c) => `${c} >= ${at(fromMs)} AND ${c} <= ${at(toMs)}`)
    .replaceAll(
      /\$__timeInterval\(([^)]+)\)/g,
      (_, c) => `toStartOfInterval(toDateTime(${c}), INTERVAL ${intervalSeconds} second)`,
    )
    .replaceAll('$__fromTime', at(fromMs))
    .replaceAll('$__toTime', at(toMs));
}

export interface TimeRange {
  fromMs: number;
  toMs: number;
  intervalSeconds: number;
}

/** Asks as a dashboard does: as a reader, over HTTP. */
export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url}/?output_format_json_quote_64bit_integers=0`, {
    method: 'POST',
    body: sql,
    headers: { 'X-ClickHouse-User': 'default', 'X-ClickHouse-Format': 'JSONEachRow' },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${text}\n${sql}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
