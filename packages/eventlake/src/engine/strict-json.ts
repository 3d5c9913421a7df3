import { isUtf8 } from 'node:buffer';

/**
 * A record read strictly: it is one JSON object of RFC 8259, in UTF-8 without byte order mark, or it is an error.
 * This is the reference that every engine's parsing must equal; an engine may be faster for what it can vouch for.
 */
export type ParsedRecord =
  | {
      /**
       * The declared fields, as they came: a string's characters, a number as it was written, `true` or `false`, null
       * for null and for a missing field, and the JSON text of an object or array.
       */
      fields: (string | null)[];
      /** The other fields as a JSON object, their keys and values as they were written; null: none. */
      rescued: string | null;
    }
  | { parseError: ParseError };

export type ParseError =
  /** The record's value is null. */
  | 'tombstone'
  | 'empty'
  | 'invalid UTF-8'
  /** Also a `\u` escape of half a surrogate pair, which no UTF-8 text can hold. */
  | 'invalid JSON'
  | 'not an object'
  /** A key twice at the top level, declared or not. Deeper down nobody looks. */
  | 'duplicate field';

/** @param names The declared fields; keys that differ from them in case are other fields. */
export function parseRecord(bytes: Uint8Array | null, names: readonly string[]): ParsedRecord {
  if (bytes === null) return { parseError: 'tombstone' };
  if (bytes.length === 0) return { parseError: 'empty' };
  if (!isUtf8(bytes)) return { parseError: 'invalid UTF-8' };
  return parseText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), names);
}

/** The same for a record that is known to be valid UTF-8. */
export function parseText(text: string, names: readonly string[]): ParsedRecord {
  const fields: (string | null)[] = names.map(() => null);
  const seen = new Set<string>();
  const unknown: string[] = [];
  let duplicate = false;

  const outcome = scanObject(text, ({ keyStart, keyEnd, valueStart, valueEnd }) => {
    const key = unquote(text, keyStart, keyEnd);
    duplicate ||= seen.has(key);
    seen.add(key);
    const field = names.indexOf(key);
    if (field >= 0) fields[field] = valueText(text, valueStart, valueEnd);
    else unknown.push(`${text.slice(keyStart, keyEnd)}:${text.slice(valueStart, valueEnd)}`);
  });
  if (outcome !== 'object') return { parseError: outcome };
  if (duplicate) return { parseError: 'duplicate field' };
  return { fields, rescued: unknown.length === 0 ? null : `{${unknown.join(',')}}` };
}

/** Where a member of the object lies in the text: `text.slice(keyStart, keyEnd)` is the key in its quotes. */
export interface Member {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
}

/** Visits the members of the one object that the text must be. A visitor learns of members before a later error. */
export function scanObject(
  text: string,
  visit: (member: Member) => void,
): 'object' | 'invalid JSON' | 'not an object' {
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) {
    return endsAt(text, skipValue(text, at)) ? 'not an object' : 'invalid JSON';
  }
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === CLOSE_BRACE) return endsAt(text, at + 1) ? 'object' : 'invalid JSON';
  for (;;) {
    const keyStart = at;
    const keyEnd = skipString(text, at);
    const colon = keyEnd < 0 ? INVALID : skipSpace(text, keyEnd);
    if (colon < 0 || text.charCodeAt(colon) !== COLON) return 'invalid JSON';
    const valueStart = skipSpace(text, colon + 1);
    const valueEnd = skipValue(text, valueStart);
    if (valueEnd < 0) return 'invalid JSON';
    visit({ keyStart, keyEnd, valueStart, valueEnd });
    at = skipSpace(text, valueEnd);
    const next = text.charCodeAt(at);
    if (next === CLOSE_BRACE) return endsAt(text, at + 1) ? 'object' : 'invalid JSON';
    if (next !== COMMA) return 'invalid JSON';
    at = skipSpace(text, at + 1);
  }
}

const INVALID = -1;
const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET] = [0x7b, 0x7d, 0x5b];

function valueText(text: string, start: number, end: number): string | null {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return unquote(text, start, end);
  const raw = text.slice(start, end);
  return raw === 'null' ? null : raw;
}

function unquote(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : raw;
}

function endsAt(text: string, at: number): boolean {
  return at >= 0 && skipSpace(text, at) === text.length;
}

/** Section 2: space, tab, line feed, carriage return. */
function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) return at;
    at += 1;
  }
}

/**
 * The position after the value that begins here, or INVALID. A loop and not a recursion, and it builds nothing: ten
 * megabytes of brackets are as harmless as ten megabytes of text.
 */
function skipValue(text: string, from: number): number {
  const closers: number[] = [];
  let at = from;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      const closer = c + 2;
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== closer) {
        closers.push(closer);
        if (c === OPEN_BRACE) at = skipKey(text, at);
        if (at < 0) return INVALID;
        continue;
      }
      at += 1;
    } else {
      at = c === QUOTE ? skipString(text, at) : skipLiteral(text, at);
      if (at < 0) return INVALID;
    }
    at = skipClosers(text, at, closers);
    if (at < 0 || closers.length === 0) return at;
  }
}

/** After a value: closes what ends here; the position of the next value, or where the outermost one ended. */
function skipClosers(text: string, from: number, closers: number[]): number {
  let at = from;
  for (;;) {
    const closer = closers[closers.length - 1];
    if (closer === undefined) return at;
    at = skipSpace(text, at);
    const c = text.charCodeAt(at);
    if (c === closer) {
      closers.pop();
      at += 1;
      continue;
    }
    if (c !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
    return closer === CLOSE_BRACE ? skipKey(text, at) : at;
  }
}

/** The position of the value after `"key" :`. */
function skipKey(text: string, from: number): number {
  const end = skipString(text, from);
  if (end < 0) return INVALID;
  const colon = skipSpace(text, end);
  return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : INVALID;
}

/** Section 7. */
function skipString(text: string, from: number): number {
  if (text.charCodeAt(from) !== QUOTE) return INVALID;
  let at = from + 1;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) return at + 1;
    if (c === BACKSLASH) {
      at = skipEscape(text, at);
      if (at < 0) return INVALID;
    } else if (c >= 0x20) at += 1;
    // A control character, or NaN at the end of the text.
    else return INVALID;
  }
}

function skipEscape(text: string, at: number): number {
  if (text.charAt(at + 1) !== 'u') {
    return at + 1 < text.length && '"\\/bfnrt'.includes(text.charAt(at + 1)) ? at + 2 : INVALID;
  }
  const unit = hexUnit(text, at + 2);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return INVALID;
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  if (text.charCodeAt(at + 6) !== BACKSLASH || text.charAt(at + 7) !== 'u') return INVALID;
  const low = hexUnit(text, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : INVALID;
}

function hexUnit(text: string, at: number): number {
  const hex = text.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(hex) ? Number.parseInt(hex, 16) : INVALID;
}

/** Sections 3 and 6. */
function skipLiteral(text: string, from: number): number {
  for (const word of ['null', 'true', 'false']) if (text.startsWith(word, from)) return from + word.length;
  let at = text.charAt(from) === '-' ? from + 1 : from;
  const integer = at;
  at = skipDigits(text, at);
  if (at === integer || (text.charAt(integer) === '0' && at > integer + 1)) return INVALID;
  if (text.charAt(at) === '.') {
    const fraction = at + 1;
    at = skipDigits(text, fraction);
    if (at === fraction) return INVALID;
  }
  if (text.charAt(at) === 'e' || text.charAt(at) === 'E') {
    const exponent = '+-'.includes(text.charAt(at + 1) || ' ') ? at + 2 : at + 1;
    at = skipDigits(text, exponent);
    if (at === exponent) return INVALID;
  }
  return at;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at += 1;
  return at;
}
