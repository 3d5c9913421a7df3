export type TokenKind =
  | 'word'
  /** "x" or `x` */
  | 'quoted'
  | 'string'
  | 'heredoc'
  | 'number'
  | 'symbol'
  /** What ClickHouse may read in ways that we do not know: non-ASCII outside quotes, an unclosed quote, a lone `$`. */
  | 'other';

export interface Token {
  kind: TokenKind;
  /** As written. */
  text: string;
  /** Offset of the first and past the last UTF-16 unit. */
  start: number;
  end: number;
}

/**
 * Splits ClickHouse SQL into tokens, without whitespace and comments, as ClickHouse's `Lexer.cpp` does: comments by `--`,
 * `//`, `#!` and `# ` to the end of the line, nested block comments, strings with backslash and doubled quotes,
 * `x'41'` and `b'01'`, `$tag$heredocs$tag$`. Never throws: what it does not know is `other`, for the guard to refuse.
 */
export function* tokens(sql: string, from = 0): Generator<Token> {
  let at = from;
  let unclosedTags = 0;
  let previous: Token | undefined;
  while (at < sql.length) {
    const space = spaceEnd(sql, at);
    if (space > at) {
      at = space;
      continue;
    }
    const token = elements(sql, at, previous) ?? nextToken(sql, at, unclosedTags < UNCLOSED_TAGS_MAX);
    if (token.kind === 'other' && token.text === '$') unclosedTags++;
    yield token;
    previous = token;
    at = token.end;
  }
}

/** Each one's end is looked for in all that follows, so that many of them would take quadratic time. */
const UNCLOSED_TAGS_MAX = 20;

const SPACE = /[ \t\n\r\f\v\u00a0]+/y;
const SPACE_BEGINS: ReadonlySet<string> = new Set(' \t\n\r\f\v\u00a0-/#');
const LINE_COMMENT = /(?:--|\/\/|#[ !])[^\n]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y;
const NUMBER_LIKE = /(?:\d|\.\d)(?:[eEpP][+-]\d|[\w.])*/y;
// Nothing in it can be read in two ways: backtracking over a long one would hold up everybody.
const NUMBER =
  /^(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?\d+)?|0[bB][01_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d[\d_]*)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)$/;
/** Nothing of a name or another number may follow: ClickHouse would read that differently. */
const ELEMENTS = /(?:\.\d{1,6}){2,20}(?![\w$]|\.\d)/y;
const CODED_STRING = /[xX]'[\da-fA-F]*'|[bB]'[01]*'/y;
const HEREDOC = /\$[A-Za-z0-9_]*\$/y;
const SYMBOL = /::|->|<=>|[<>=!]=|<>|\|\||@@|[-+*/%()[\]{},.;:?<>=@|^]/y;

/** Past the whitespace or comment that begins here. */
function spaceEnd(sql: string, at: number): number {
  if (!SPACE_BEGINS.has(sql[at]!)) return at;
  const space = match(SPACE, sql, at) ?? match(LINE_COMMENT, sql, at);
  if (space !== undefined) return at + space.length;
  return sql.startsWith('/*', at) ? blockCommentEnd(sql, at) : at;
}

/** Block comments nest. An unclosed one is no comment: then nothing is skipped. */
function blockCommentEnd(sql: string, at: number): number {
  let depth = 0;
  for (let i = at; i + 1 < sql.length; i++) {
    const two = sql[i]! + sql[i + 1]!;
    if (two === '/*') depth++;
    else if (two === '*/') depth--;
    else continue;
    i++;
    if (depth === 0) return i + 1;
  }
  return at;
}

/** `.1.2` right behind what may be a tuple: an element of an element, and no number, as ClickHouse's lexer has it. */
function elements(sql: string, at: number, previous: Token | undefined): Token | undefined {
  if (sql[at] !== '.' || previous?.end !== at) return undefined;
  const mayBeTuple = previous.kind === 'word' || previous.kind === 'quoted' || ')]'.includes(previous.text);
  const found = mayBeTuple ? match(ELEMENTS, sql, at) : undefined;
  return found === undefined ? undefined : token(sql, 'number', at, at + found.length);
}

function nextToken(sql: string, at: number, mayBeHeredoc: boolean): Token {
  const char = sql[at]!;
  if (char === "'") return quoted(sql, at, 'string');
  if (char === '"' || char === '`') return quoted(sql, at, 'quoted');
  if (char === '$') {
    const tag = mayBeHeredoc ? match(HEREDOC, sql, at) : undefined;
    if (tag !== undefined) {
      const close = sql.indexOf(tag, at + tag.length);
      if (close >= 0) return token(sql, 'heredoc', at, close + tag.length);
    }
  }
  // An unclosed block comment swallows the rest in ClickHouse, as an error.
  if (sql.startsWith('/*', at)) return token(sql, 'other', at, sql.length);
  const coded = match(CODED_STRING, sql, at);
  if (coded !== undefined) return token(sql, 'string', at, at + coded.length);
  const word = match(WORD, sql, at);
  if (word !== undefined) return token(sql, 'word', at, at + word.length);
  const number = match(NUMBER_LIKE, sql, at);
  if (number !== undefined)
    return token(sql, NUMBER.test(number) ? 'number' : 'other', at, at + number.length);
  const symbol = match(SYMBOL, sql, at);
  if (symbol !== undefined) return token(sql, 'symbol', at, at + symbol.length);
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
