const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const COMMA = 44;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;

/**
 * Finds the string that a JSON object has under a name, without parsing the object: only the first level counts, and the
 * first of several. Bytes that are no such object give null; whether they are JSON is for others to say.
 */
export function keyFieldReader(name: string): (bytes: Buffer, from: number, to: number) => string | null {
  const wanted = Buffer.from(JSON.stringify(name));
  return (bytes, from, to) => {
    let at = skipBlanks(bytes, from, to);
    if (bytes[at] !== OPEN_OBJECT) return null;
    for (at++; at < to; ) {
      at = skipBlanks(bytes, at, to);
      const nameEnd = bytes[at] === QUOTE ? afterString(bytes, at, to) : -1;
      if (nameEnd < 0) return null;
      const isWanted = isAt(bytes, at, nameEnd, wanted);
      at = skipBlanks(bytes, nameEnd, to);
      if (bytes[at] !== COLON) return null;
      at = skipBlanks(bytes, at + 1, to);
      if (isWanted) return stringAt(bytes, at, to);
      at = afterValue(bytes, at, to);
      if (at >= to || bytes[at] !== COMMA) return null;
      at++;
    }
    return null;
  };
}

function isAt(bytes: Buffer, from: number, to: number, wanted: Buffer): boolean {
  if (to - from !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

function stringAt(bytes: Buffer, at: number, to: number): string | null {
  const end = bytes[at] === QUOTE ? afterString(bytes, at, to) : -1;
  if (end < 0) return null;
  const text = bytes.toString('utf8', at + 1, end - 1);
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return null;
  }
}

/** The place after the string that begins here, or -1. */
function afterString(bytes: Buffer, from: number, to: number): number {
  for (let at = from + 1; at < to; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  return -1;
}

/** The place of the comma or brace after the value that begins here. */
function afterValue(bytes: Buffer, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = afterString(bytes, at, to) - 1;
      if (at < 0) return to;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_OBJECT)) return at;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
  }
  return to;
}

function skipBlanks(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13)) at++;
  return at;
}
