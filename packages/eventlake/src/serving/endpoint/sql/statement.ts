import { type Token, tokens } from './lexer.js';

/** What the endpoint has to know of a statement to route its result and its data. */
export type Statement =
  | {
      kind: 'rows';
      /** Without FORMAT clause and closing semicolon. */
      sql: string;
      /** From the FORMAT clause. */
      format?: string;
      /** What follows the FORMAT clause: `SETTINGS …`. */
      tail: string;
    }
  | {
      /** INSERT … FORMAT x, whose data follow the statement. */
      kind: 'insert';
      /** `INSERT INTO t (a, b)`, before SETTINGS and FORMAT: where FROM INFILE belongs. */
      head: string;
      /** `SETTINGS …` or nothing. */
      settings: string;
      format: string;
      /** Offset of the first unit of data. */
      dataStart: number;
    }
  | { kind: 'command'; sql: string };

/** Statements that answer with rows. */
const WITH_ROWS = new Set(['SELECT', 'WITH', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN', 'FROM']);

export class SeveralStatements extends Error {}

/**
 * Reads one statement. With `partial`, the text may be the beginning of a longer body; then it is undefined where the
 * text ends before it is clear.
 *
 * @throws SeveralStatements
 */
export function readStatement(sql: string): Statement {
  const all: (Token & { depth: number })[] = [];
  let depth = 0;
  let isInsert = false;
  let hasSource = false;
  for (const token of tokens(sql)) {
    if (token.kind === 'symbol' && ')]}'.includes(token.text)) depth--;
    all.push({ ...token, depth });
    if (token.kind === 'symbol' && '([{'.includes(token.text)) depth++;
    if (all.length === 1 && isWord(token, 'INSERT')) isInsert = true;
    hasSource ||= isInsert && all.at(-1)!.depth === 0 && isWord(token, 'SELECT', 'WITH', 'INFILE');
    // What follows FORMAT x in an INSERT is data, not SQL.
    const before = all.at(-2);
    if (isInsert && !hasSource && token.kind === 'word' && before?.depth === 0 && isWord(before, 'FORMAT')) {
      if (!isWord(token, 'VALUES')) return insertWithData(sql, all);
    }
  }
  const semicolon = all.findIndex((token) => token.kind === 'symbol' && token.text === ';');
  if (semicolon >= 0) {
    if (all.slice(semicolon).some((token) => token.text !== ';')) throw new SeveralStatements();
    all.length = semicolon;
  }
  const end = all.at(-1)?.end ?? 0;
  const first = all.find((token) => token.text !== '(');
  if (first === undefined || !isWord(first, ...WITH_ROWS)) return { kind: 'command', sql: sql.slice(0, end) };
  return rows(sql, all, end);
}

function rows(sql: string, all: readonly (Token & { depth: number })[], end: number): Statement {
  const at = all.findLastIndex((token, i) => {
    const next = all[i + 1];
    const after = all[i + 2];
    const before = all[i - 1];
    return (
      token.depth === 0 &&
      isWord(token, 'FORMAT') &&
      next?.kind === 'word' &&
      (after === undefined || isWord(after, 'SETTINGS')) &&
      !(before !== undefined && (isWord(before, 'AS') || before.text === '.' || before.text === ','))
    );
  });
  if (at < 0) return { kind: 'rows', sql: sql.slice(0, end), tail: '' };
  return {
    kind: 'rows',
    sql: sql.slice(0, all[at]!.start),
    format: all[at + 1]!.text,
    tail: sql.slice(all[at + 1]!.end, end),
  };
}

function insertWithData(sql: string, all: readonly (Token & { depth: number })[]): Statement {
  const format = all.at(-1)!;
  const keyword = all.at(-2)!;
  const settings = all.find((token) => token.depth === 0 && isWord(token, 'SETTINGS'));
  const headEnd = settings?.start ?? keyword.start;
  return {
    kind: 'insert',
    head: sql.slice(0, headEnd),
    settings: sql.slice(headEnd, keyword.start),
    format: format.text,
    dataStart: dataStart(sql, format.end),
  };
}

/** As ClickHouse's ParserInsertQuery: spaces, one semicolon, spaces and at most one line break. */
function dataStart(sql: string, at: number): number {
  return at + (/^[ \t\f\v\r]*(?:;[ \t\f\v\r]*)?\n?/.exec(sql.slice(at, at + 1000))?.[0].length ?? 0);
}

function isWord(token: Token, ...words: readonly string[]): boolean {
  return token.kind === 'word' && words.includes(token.text.toUpperCase());
}
