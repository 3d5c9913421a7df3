import type { Vector } from '../parquet/assemble.js';

/** A column of some values, null for NULL. */
export function vectorOf(values: readonly unknown[]): Vector {
  const nulls = Uint8Array.from(values, (value) => (value === null ? 1 : 0));
  return { values: values.map((value) => (typeof value === 'boolean' ? Number(value) : value)), nulls };
}
