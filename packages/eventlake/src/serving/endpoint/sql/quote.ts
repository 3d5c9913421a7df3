/** A ClickHouse string literal. */
export function quoteString(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A ClickHouse identifier, always quoted. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** `realtime.events_per_minute` → `` `realtime`.`events_per_minute` ``. */
export function quoteTable(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}
