/** Dates and times as text and as the numbers that Parquet holds, exact to the microsecond, in the proleptic Gregorian calendar. */

const dayMs = 86_400_000;
const usPerMs = 1000n;

/** Days since 1970 to `2024-05-31`. Years outside of 0 to 9999 have a sign and six digits, as ISO 8601 has them. */
export function dateText(days: number): string {
  return utcText(days * dayMs).slice(0, -14);
}

/** Microseconds since 1970 to `2024-05-31T12:00:00.000000Z`, or without the Z for times without a zone. */
export function timestampText(us: bigint, zoned: boolean): string {
  const micros = BigInt.asUintN(64, ((us % usPerMs) + usPerMs) % usPerMs);
  const ms = (us - micros) / usPerMs;
  return `${utcText(Number(ms)).slice(0, -1)}${String(micros).padStart(3, '0')}${zoned ? 'Z' : ''}`;
}

/** `2024-05-31` to days since 1970; undefined where the text is no date. */
export function parseDate(text: string): number | undefined {
  const match = /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})$/.exec(text);
  return match ? daysOf(Number(match[1]), Number(match[2]), Number(match[3])) : undefined;
}

/**
 * `2024-05-31T12:00:00.123456+02:00` to microseconds since 1970; `T` may be a space, seconds and fraction may lack.
 * Without an offset it is UTC. Undefined where the text is no time, or is more exact than a microsecond.
 */
export function parseTimestamp(text: string): { us: bigint; zoned: boolean } | undefined {
  const usual = usualMicros(text);
  if (usual !== undefined) return { us: usual, zoned: true };
  const match =
    /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const days = daysOf(Number(year), Number(month), Number(day));
  const micros = fraction.padEnd(6, '0');
  if (days === undefined || /[^0]/.test(micros.slice(6))) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds =
    days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offsetSeconds(zone);
  return { us: BigInt(seconds) * 1_000_000n + BigInt(micros.slice(0, 6)), zoned: zone !== undefined };
}

/** `2024-05-31T12:00:00.123456Z`, as most programs write it, without the cost of a pattern. Undefined for all else. */
function usualMicros(text: string): bigint | undefined {
  const { length } = text;
  const isUsual =
    length >= 20 &&
    length <= 27 &&
    text[4] === '-' &&
    text[7] === '-' &&
    text[10] === 'T' &&
    text[13] === ':' &&
    text[16] === ':' &&
    (length === 20 || (length > 21 && text[19] === '.')) &&
    text[length - 1] === 'Z';
  if (!isUsual) return undefined;
  const days = daysOf(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const fraction = length === 20 ? 0 : digits(text, 20, length - 1) * 10 ** (27 - length);
  const isTime = hour <= 23 && minute <= 59 && second <= 59 && fraction >= 0;
  if (days === undefined || !isTime) return undefined;
  const seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction);
}

/** NaN where there is anything else. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * What the clocks of a zone (an IANA name) showed as a moment in UTC. An hour that a zone had twice is the first one.
 * @throws RangeError where there is no such zone
 */
export function localToUtc(localUs: bigint, timeZone: string): bigint {
  const ms = Number(localUs / 1000n);
  const offsets = [ms - dayMs, ms + dayMs].map((at) => offsetMs(at, timeZone));
  // The offset that leads back to the same local time; in the gap of a spring night none does.
  const offset =
    offsets.find((candidate) => offsetMs(ms - candidate, timeZone) === candidate) ?? (offsets[0] as number);
  return localUs - BigInt(offset) * 1000n;
}

function offsetMs(ms: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', year: 'numeric' });
  const name = format.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const match = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name);
  if (!match?.[1]) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === '-' ? -seconds : seconds) * 1000;
}

function offsetSeconds(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60);
}

/** Days since 1970 of a date in the proleptic Gregorian calendar; undefined where there is none. */
function daysOf(year: number, month: number, day: number): number | undefined {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  // Years that begin in March end with the leap day; every 400 of them have 146,097 days.
  const from = month <= 2 ? year - 1 : year;
  const cycle = Math.floor(from / 400);
  const inCycle = from - cycle * 400;
  const inYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const inDays = inCycle * 365 + Math.floor(inCycle / 4) - Math.floor(inCycle / 100) + inYear;
  return cycle * 146_097 + inDays - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Like `Date.toISOString`, also for the years that Date does not reach. */
function utcText(ms: number): string {
  if (Math.abs(ms) <= 8.64e15) return new Date(ms).toISOString();
  // 400 years are exactly 146,097 days.
  const cycles = Math.floor(ms / (146_097 * dayMs));
  const inside = new Date(ms - cycles * 146_097 * dayMs);
  const year = inside.getUTCFullYear() + cycles * 400;
  const sign = year < 0 ? '-' : '+';
  return `${sign}${String(Math.abs(year)).padStart(6, '0')}${inside.toISOString().slice(4)}`;
}
