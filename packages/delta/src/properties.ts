/** Table properties, as `metaData.configuration` holds them. */
export type Properties = Readonly<Record<string, string>>;

const HOUR_MS = 3_600_000;

/** What holds where a table does not say, as in the reference implementation. */
export const RETENTION_DEFAULTS = {
  /** `delta.deletedFileRetentionDuration` */
  filesMs: 7 * 24 * HOUR_MS,
  /** `delta.logRetentionDuration` */
  logMs: 30 * 24 * HOUR_MS,
} as const;

/** `delta.checkpointInterval`: every so many commits. The reference has 10; a commit a second wants fewer. */
const CHECKPOINT_INTERVAL_DEFAULT = 100;

export function isOn(properties: Properties, name: string): boolean {
  return properties[name]?.toLowerCase() === 'true';
}

export function isOff(properties: Properties, name: string): boolean {
  return properties[name]?.toLowerCase() === 'false';
}

export function checkpointInterval(properties: Properties): number {
  const interval = Number(properties['delta.checkpointInterval']);
  return Number.isSafeInteger(interval) && interval > 0 ? interval : CHECKPOINT_INTERVAL_DEFAULT;
}

/** `delta.logRetentionDuration`: for how long the log keeps what only older versions need. */
export function logRetentionMs(properties: Properties): number {
  return durationMs(properties, 'delta.logRetentionDuration', RETENTION_DEFAULTS.logMs);
}

/** `interval 7 days`, `1 week 2 hours`, as Spark's calendar intervals are written; `otherwiseMs` for anything else. */
export function durationMs(properties: Properties, name: string, otherwiseMs: number): number {
  const text = properties[name];
  return (text === undefined ? null : parseIntervalMs(text)) ?? otherwiseMs;
}

/** Null where it is none. Months and years have no fixed length and are none. */
function parseIntervalMs(text: string): number | null {
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '')
    .split(/\s+/);
  if (words.length === 0 || words.length % 2 !== 0) return null;
  let total = 0;
  for (let i = 0; i < words.length; i += 2) {
    const amount = /^\d+(\.\d+)?$/.test(words[i]!) ? Number(words[i]) : Number.NaN;
    const unitMs = UNITS_MS[words[i + 1]!.replace(/s$/, '')];
    if (Number.isNaN(amount) || unitMs === undefined) return null;
    total += amount * unitMs;
  }
  return total;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  week: 7 * 24 * HOUR_MS,
  day: 24 * HOUR_MS,
  hour: HOUR_MS,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
  microsecond: 0.001,
};
