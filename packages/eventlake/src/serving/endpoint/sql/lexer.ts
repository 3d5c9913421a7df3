export type TokenKind =
  | 'word'
  | 'quoted' // "x" or `x`
  | 'string'
  | 'heredoc'
  | 'number'
  | 'symbol'
  | 'other'; // what ClickHouse may read in ways that we do not know: non-ASCII outside quotes, an unclosed quote

export interface Token {
  kind: TokenKind;
  /** As written. */
  text: string;
  /** Offset of the first and past the last UTF-16 unit. */
  start: number;
  end: number;
}

/**
 * Splits ClickHouse SQL into tokens, without whitespace and comments, after ClickHouse's `Lexer.cpp`: `--`, `#!` and `# `
 * comments to the end of the line, block comments, strings with backslash and doubled quotes, `$tag$heredocs$tag$`.
 * Never throws: what it does not know is `other`, for the guard to refuse.
 */
export function* tokens(sql: string, from = 0): Generator<Token> {
  let at = from;
  while (at < sql.length) {
    const space = spaceEnd(sql, at);
    if (space > at) {
      at = space;
      continue;
    }
    const token = nextToken(sql, at);
    yield token;
    at = token.end;
  }
}

const SPACE = /[\s\0]+/y;
const LINE_COMMENT = /(?:--|#[ !])[^\n]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y;
const NUMBER = /(?:\d|\.\d)[\w.]*(?:(?<=[eEpP])[+-]\d+)?/y;
const HEREDOC = /\$[A-Za-z0-9_]*\$/y;
const SYMBOL = /::|->|<=>|[<>=!]=|<>|\|\||[-+*/%()[\]{},.;:?<>=@|&^~!$\\#]/y;

/** Past the whitespace or comment that begins here. */
function spaceEnd(sql: string, at: number): number {
  const space = match(SPACE, sql, at) ?? match(LINE_COMMENT, sql, at);
  if (space !== undefined) return at + space.length;
  if (sql.startsWith('/*', at)) {
    const close = sql.indexOf('*/', at + 2);
    return close < 0 ? at : close + 2;
  }
  return at;
}

function nextToken(sql: string, at: number): Token {
  const char = sql[at]!;
  if (char === "'") return quoted(sql, at, 'string');
  if (char === '"' || char === '`') return quoted(sql, at, 'quoted');
  if (char === '$') {
    const tag = match(HEREDOC, sql, at);
    if (tag !== undefined) {
      const close = sql.indexOf(tag, at + tag.length);
      if (close >= 0) return token(sql, 'heredoc', at, close + tag.length);
    }
  }
  // An unclosed block comment swallows the rest in ClickHouse, as an error.
  if (sql.startsWith('/*', at)) return token(sql, 'other', at, sql.length);
  for (const [kind, pattern] of [
    ['word', WORD],
    ['number', NUMBER],
    ['symbol', SYMBOL],
  ] as const) {
    const text = match(pattern, sql, at);
    if (text !== undefined) return token(sql, kind, at, at + text.length);
  }
  return token(sql, 'other', at, at + 1);
}

function quoted(sql: string, at: number, kind: 'string' | 'quoted'): Token {
  const quote = sql[at];
  for (let i = at + 1; i < sql.length; i++) {
    if (sql[i] === '\\') i++;
    else if (sql[i] === quote) {
      if (sql[i + 1] !== quote) return token(sql, kind, at, i + 1);
      i++;
    }
  }
  return token(sql, 'other', at, sql.length);
}

function token(sql: string, kind: TokenKind, start: number, end: number): Token {
  return { kind, text: sql.slice(start, end), start, end };
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}
