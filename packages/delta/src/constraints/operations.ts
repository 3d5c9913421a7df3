import { parseDate, parseTimestamp } from '../rows/time.js';
import { compareUtf8 } from '../store/path.js';

/**
 * What an expression gives; null beside it always. Dates and times are microseconds. Of `opaque` values (arrays, maps,
 * structs, bytes) only `IS NULL` can be asked.
 */
export type Kind = 'exact' | 'floating' | 'text' | 'boolean' | 'time' | 'opaque' | 'null';

/** An integer or decimal: `digits` divided by ten to the power of `scale`. */
export interface Exact {
  digits: bigint;
  scale: number;
}

export type Value = Exact | number | string | boolean | bigint | null;

/** How two kinds are brought together for a comparison; undefined where they cannot be. */
export function comparer(a: Kind, b: Kind): ((x: Value, y: Value) => number) | undefined {
  if (a === 'null' || b === 'null') return () => 0;
  if (a === 'exact' && b === 'exact') return (x, y) => compareExact(x as Exact, y as Exact);
  if (isNumber(a) && isNumber(b)) return (x, y) => compareFloating(toNumber(x), toNumber(y));
  if (a !== b || a === 'opaque') return undefined;
  if (a === 'text') return (x, y) => compareUtf8(x as string, y as string);
  return (x, y) => ((x as number) < (y as number) ? -1 : (x as number) > (y as number) ? 1 : 0);
}

/** The arithmetic that engines agree on; undefined where they do not, or where the kinds are no numbers. */
export function arithmetic(
  operator: string,
  a: Kind,
  b: Kind,
): { kind: Kind; apply: (x: Value, y: Value) => Value } | undefined {
  if (!isNumber(a) || !isNumber(b)) return undefined;
  if (a === 'exact' && b === 'exact') {
    const apply = exactOperations[operator];
    return apply && { kind: 'exact', apply: (x, y) => apply(x as Exact, y as Exact) };
  }
  const apply = floatingOperations[operator];
  return apply && { kind: 'floating', apply: (x, y) => apply(toNumber(x), toNumber(y)) };
}

export function isNumber(kind: Kind): boolean {
  return kind === 'exact' || kind === 'floating';
}

export function exactOf(text: string): Exact | undefined {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = match[2] ?? '';
  return { digits: BigInt(`${match[1]}${fraction}`), scale: fraction.length };
}

export function timeOf(text: string): bigint | undefined {
  const days = parseDate(text);
  return days === undefined ? parseTimestamp(text)?.us : BigInt(days) * 86_400_000_000n;
}

/** `%` is any text, `_` one character. Linear in the text for each `%`. */
export function like(text: string, pattern: string): boolean {
  const chars = [...text];
  const wanted = [...pattern];
  let at = 0;
  let next = 0;
  let star = -1;
  let mark = 0;
  while (at < chars.length) {
    if (wanted[next] === '%') {
      star = next++;
      mark = at;
    } else if (next < wanted.length && (wanted[next] === '_' || wanted[next] === chars[at])) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++mark;
    } else return false;
  }
  while (wanted[next] === '%') next++;
  return next === wanted.length;
}

const exactOperations: Partial<Record<string, (x: Exact, y: Exact) => Value>> = {
  '+': (x, y) => aligned(x, y, (a, b) => a + b),
  '-': (x, y) => aligned(x, y, (a, b) => a - b),
  '*': (x, y) => ({ digits: x.digits * y.digits, scale: x.scale + y.scale }),
  // Null as in Spark without ANSI mode; with it the row fails, as a null does here.
  '%': (x, y) => (y.digits === 0n ? null : aligned(x, y, (a, b) => a % b)),
};

const floatingOperations: Partial<Record<string, (x: number, y: number) => Value>> = {
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '*': (x, y) => x * y,
};

function aligned(x: Exact, y: Exact, apply: (a: bigint, b: bigint) => bigint): Exact {
  const scale = Math.max(x.scale, y.scale);
  return { digits: apply(scaled(x, scale), scaled(y, scale)), scale };
}

function compareExact(x: Exact, y: Exact): number {
  const { digits } = aligned(x, y, (a, b) => a - b);
  return digits < 0n ? -1 : digits > 0n ? 1 : 0;
}

function scaled({ digits, scale }: Exact, to: number): bigint {
  return digits * 10n ** BigInt(to - scale);
}

/** NaN is equal to itself and above everything, as in Spark. */
function compareFloating(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return x < y ? -1 : x > y ? 1 : 0;
}

function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  const { digits, scale } = value as Exact;
  return Number(`${digits}e-${scale}`);
}
