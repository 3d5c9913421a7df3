/** A whole number as a number where that is exact. */
export function exactNumber(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Microseconds since 1970 as ISO 8601 in UTC: `2024-05-31T12:00:00.123456Z`. */
export function isoMicros(micros: bigint): string {
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const iso = new Date(Number(ms)).toISOString();
  return `${iso.slice(0, -1)}${String(micros - ms * 1000n).padStart(3, '0')}Z`;
}
