import type { ParsedRecord } from '../../packages/eventlake/src/engine/strict-json.js';

/**
 * What a record is, by JSON.parse alone: slow, obvious, and independent of our own parser. Values as they came are found
 * by asking for the source text of each value, which Node 20's JSON.parse does not tell: so it is cut out by trying
 * where the value ends.
 */
export function referenceParse(bytes: Uint8Array, names: readonly string[]): ParsedRecord {
  if (bytes.length === 0) return { parseError: 'empty' };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { parseError: 'invalid UTF-8' };
  }
  const value = parse(text);
  if (value === undefined) return { parseError: 'invalid JSON' };
  if (typeof value.parsed !== 'object' || value.parsed === null || Array.isArray(value.parsed)) {
    return { parseError: isWellFormed(text) ? 'not an object' : 'invalid JSON' };
  }
  const members = membersOf(text);
  // One by one, since JSON.parse forgets the first of two equal keys.
  if (members.some(({ key, value }) => !isWellFormed(key) || !isWellFormed(value))) {
    return { parseError: 'invalid JSON' };
  }
  const keys = members.map(({ key }) => JSON.parse(key) as string);
  if (new Set(keys).size < keys.length) return { parseError: 'duplicate field' };
  const unknown = members.filter((_, i) => !names.includes(keys[i]!));
  return {
    fields: names.map((name) => {
      const member = members[keys.indexOf(name)];
      return member === undefined ? null : asItCame(member.value);
    }),
    rescued:
      unknown.length === 0 ? null : `{${unknown.map(({ key, value }) => `${key}:${value}`).join(',')}}`,
  };
}

function asItCame(raw: string): string | null {
  const parsed: unknown = JSON.parse(raw);
  if (typeof parsed === 'string' || parsed === null) return parsed;
  return raw;
}

function membersOf(text: string): { key: string; value: string }[] {
  const body = text.trim().slice(1, -1);
  const members: { key: string; value: string }[] = [];
  for (let from = 0; body.slice(from).trim() !== ''; ) {
    const key = firstPrefix(body, from, ':');
    const value = firstPrefix(body, key.end + 1, ',');
    members.push({ key: key.text, value: value.text });
    from = value.end + 1;
  }
  return members;
}

/** The shortest JSON value that begins at `from` and ends before the given character, or the end of the body. */
function firstPrefix(body: string, from: number, before: ':' | ','): { text: string; end: number } {
  for (let end = from + 1; end <= body.length; end++) {
    if (end < body.length && body[end] !== before) continue;
    const text = body.slice(from, end).trim();
    if (parse(text) !== undefined) return { text, end };
  }
  throw new Error(`No JSON value at ${from}: ${body}`);
}

function parse(text: string): { parsed: unknown } | undefined {
  try {
    return { parsed: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Whether no string of the document, key or value, has half a surrogate pair. */
function isWellFormed(text: string): boolean {
  let wellFormed = true;
  const check = (string: string) => {
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(string))
      wellFormed = false;
  };
  JSON.parse(text, (key, value: unknown) => {
    check(key);
    if (typeof value === 'string') check(value);
    return value;
  });
  return wellFormed;
}
