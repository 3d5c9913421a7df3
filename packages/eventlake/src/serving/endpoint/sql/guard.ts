import {
  allowedShows,
  allowedSystemTables,
  columnsWithPaths,
  forbiddenColumns,
  forbiddenFunctions,
  forbiddenKeywords,
  forbiddenPrefixes,
  tablesWithPaths,
} from './forbidden.js';
import { type Token, tokens } from './lexer.js';
import { isReaderSetting } from './reader-settings.js';

/** Deeper brackets than anybody writes; ClickHouse's parser recurses. */
const DEPTH_MAX = 200;

const FIRST_WORDS = new Set(['SELECT', 'WITH', 'FROM', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN']);

/**
 * Why a reader may not run this statement, or undefined. The second wall: the first is the role that the engine enforces,
 * and this is for what roles let through. It refuses what it does not understand. Reads tokens, so that comments,
 * strings and every kind of quoting neither hide anything nor look like something.
 */
export function whyRefused(
  sql: string,
  parameters: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  const all = withIdentifiers([...tokens(sql)], parameters);
  if (typeof all === 'string') return all;
  return (
    all.map(whyTokenRefused).find((why) => why !== undefined) ??
    whyStatementRefused(all) ??
    whyNested(all) ??
    all
      .map((token, i) => whyNameRefused(token, all[i + 1], all[i - 1], all[i - 2]))
      .find((why) => why !== undefined) ??
    whySettingsRefused(all) ??
    whySystemRefused(all)
  );
}

function whyTokenRefused(token: Token): string | undefined {
  if (token.kind === 'other')
    return `characters that only a quoted name or a string may have, at ${token.start}`;
  if (token.kind === 'heredoc') return 'heredocs; write a quoted string';
  if (token.kind === 'word' && token.text.includes('$')) return 'names with a dollar sign';
  if (token.kind === 'quoted' && token.text.includes('\\')) return 'backslashes in quoted names';
  if (token.kind === 'word' && forbiddenKeywords.has(token.text.toUpperCase()))
    return token.text.toUpperCase();
  return undefined;
}

function whyStatementRefused(all: readonly Token[]): string | undefined {
  const words = all.filter((token) => token.kind === 'word').map((token) => token.text.toUpperCase());
  const first = all.find((token) => token.text !== '(');
  if (first?.kind !== 'word' || !FIRST_WORDS.has(words[0]!)) {
    return `statements that begin with ${words[0]?.slice(0, 30) ?? 'no word'}, only SELECT, WITH, SHOW, DESCRIBE, EXISTS and EXPLAIN`;
  }
  if (words[0] === 'SHOW' && !allowedShows.has(words[1] ?? '')) return `SHOW ${words[1] ?? ''}`;
  if (words[0] === 'EXPLAIN' && words[1] === 'TABLE') return 'EXPLAIN TABLE OVERRIDE';
  const semicolon = all.findIndex((token) => token.text === ';');
  if (semicolon >= 0 && all.slice(semicolon).some((token) => token.text !== ';')) return 'several statements';
  return undefined;
}

function whyNested(all: readonly Token[]): string | undefined {
  let depth = 0;
  for (const { kind, text } of all) {
    if (kind !== 'symbol') continue;
    if ('([{'.includes(text)) depth++;
    if (')]}'.includes(text)) depth--;
    if (depth > DEPTH_MAX) return `more than ${DEPTH_MAX} brackets in each other`;
  }
  return undefined;
}

function whyNameRefused(token: Token, next?: Token, before?: Token, beforeThat?: Token): string | undefined {
  if (token.kind !== 'word' && token.kind !== 'quoted') return undefined;
  const name = nameOf(token);
  if (forbiddenColumns.has(name)) return `the column ${name}`;
  const isApplied = before?.text === '(' && beforeThat !== undefined && /^apply$/i.test(beforeThat.text);
  if (next?.text !== '(' && !isApplied && !/^apply$/i.test(before?.text ?? '')) return undefined;
  const forbidden =
    forbiddenFunctions.has(name) || forbiddenPrefixes.some((prefix) => name.startsWith(prefix));
  return forbidden ? `the function ${name}` : undefined;
}

function whySystemRefused(all: readonly Token[]): string | undefined {
  const named = all.flatMap((token, i) => {
    if (!isName(token) || nameOf(token) !== 'system' || all[i + 1]?.text !== '.') return [];
    const table = all[i + 2];
    return [isName(table) ? nameOf(table!) : ''];
  });
  const refused = named.find((table) => !allowedSystemTables.has(table));
  if (refused !== undefined) return `system.${refused}`;
  if (!named.some((table) => tablesWithPaths.has(table))) return undefined;
  for (const [i, token] of all.entries()) {
    if (isName(token) && columnsWithPaths.has(nameOf(token)) && !isOnlyTested(all, i)) {
      return `the column ${nameOf(token)}`;
    }
    const isCounted = all[i - 1]?.text === '(' && /^count$/i.test(all[i - 2]?.text ?? '');
    const isAllColumns = token.text === '*' && !isCounted;
    if (isAllColumns || (isName(token) && nameOf(token) === 'columns' && all[i + 1]?.text === '(')) {
      return 'all columns of that system table; name the ones you need';
    }
  }
  return undefined;
}

/** `empty(t.data_paths)`, which JDBC asks to tell remote tables from others, tells no path. */
function isOnlyTested(all: readonly Token[], at: number): boolean {
  const open = all[at - 1]?.text === '.' ? at - 3 : at - 1;
  return all[open]?.text === '(' && /^empty$/i.test(all[open - 1]?.text ?? '') && all[at + 1]?.text === ')';
}

/** What follows `settings` where it is the name of a column. */
const AFTER_A_COLUMN = new Set(
  'FROM AS WHERE PREWHERE GROUP HAVING WINDOW QUALIFY ORDER ASC DESC LIMIT OFFSET FORMAT UNION EXCEPT INTERSECT'.split(
    ' ',
  ),
);

const AFTER_SETTINGS = new Set([',', ')', ';', 'FORMAT', 'SETTINGS', 'UNION', 'EXCEPT', 'INTERSECT']);

/** `SETTINGS a = 1, b`, wherever it stands. */
function whySettingsRefused(all: readonly Token[]): string | undefined {
  for (const [i, token] of all.entries()) {
    if (token.kind !== 'word' || token.text.toUpperCase() !== 'SETTINGS') continue;
    let at = i + 1;
    while (isName(all[at])) {
      const name = all[at]!;
      const hasValue = all[at + 1]?.text === '=';
      if (!hasValue && AFTER_A_COLUMN.has(name.text.toUpperCase())) break;
      if (!isReaderSetting(nameOf(name))) return `the setting ${name.text}`;
      const value = all[at + 2];
      if (hasValue && !['number', 'string', 'word'].includes(value?.kind ?? ''))
        return 'settings of that kind';
      at += hasValue ? 3 : 1;
      if ((hasValue || all[at]?.text === '.') && !endsSettings(all[at])) return 'settings of that kind';
      if (all[at]?.text !== ',') break;
      at++;
    }
  }
  return undefined;
}

/** Behind a value that was not read to its end there could be another setting. */
function endsSettings(token: Token | undefined): boolean {
  return token === undefined || AFTER_SETTINGS.has(token.text.toUpperCase());
}

/** `{name:Identifier}` names something as if it stood there, so it is put there. */
function withIdentifiers(
  all: readonly Token[],
  parameters: ReadonlyMap<string, string>,
): readonly Token[] | string {
  const put: Token[] = [];
  for (let i = 0; i < all.length; i++) {
    const open = all[i]!;
    const type = all[i + 3];
    const isOne = open.text === '{' && all[i + 2]?.text === ':' && all[i + 4]?.text === '}';
    if (!isOne || !/identifier/i.test(type!.text)) {
      put.push(open);
      continue;
    }
    const value = parameters.get(all[i + 1]!.text) ?? '';
    if (!/^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?$/.test(value)) {
      return 'names by a parameter that are more than letters, digits and underscores';
    }
    for (const [n, part] of value.split('.').entries()) {
      if (n > 0) put.push({ ...open, text: '.' });
      put.push({ ...open, kind: 'quoted', text: `\`${part}\`` });
    }
    i += 4;
  }
  return put;
}

function isName(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'quoted';
}

function nameOf(token: Token): string {
  if (token.kind !== 'quoted') return token.text.toLowerCase();
  const quote = token.text[0]!;
  return token.text
    .slice(1, -1)
    .replaceAll(quote + quote, quote)
    .toLowerCase();
}
