import type { Row } from '../../src/index.js';

/** Rows as sorted text, every value told apart by its type: for comparing tables, whose rows have no order. */
export function canonicalRows(rows: readonly Row[]): string[] {
  return rows.map(canonical).sort();
}

function canonical(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return `${value}n`;
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
      if (value instanceof Map) return `map${canonical([...value])}`;
      if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
      return `{${Object.entries(value)
        .map(([name, item]) => `${name}:${canonical(item)}`)
        .join()}}`;
    default:
      return String(value);
  }
}
