import type { QueryRequest } from '../request.js';
import { tokens } from '../sql/lexer.js';
import { bareName, type TableVersions } from './table-versions.js';

/** Longer texts are rarely asked twice. */
const TEXT_MAX = 64 * 1024;

/** Settings that change nothing of a result. */
const NO_MATTER = new Set(['log_comment', 'log_queries', 'priority', 'use_query_cache']);

/**
 * All that a reader's result depends on, or undefined where it depends on more than that: the time, chance, the engine's
 * state, files of the lake, which other processes write. Goes by names alone, wherever they stand in the text: a table
 * cannot be read without being named, and a name that only looks like one costs an entry and nothing else.
 */
export async function cacheKey(
  text: string,
  format: string,
  request: QueryRequest,
  versions: TableVersions,
): Promise<string | undefined> {
  if (text.length > TEXT_MAX || request.settings.get('use_query_cache') === '0') return undefined;
  const catalogue = await versions.catalogue();
  if (catalogue === undefined) return undefined;
  const read = new Set<string>();
  let first: string | undefined;
  for (const token of tokens(text)) {
    if (token.kind !== 'word' && token.kind !== 'quoted') continue;
    first ??= token.text.toUpperCase();
    const name = bareName(token.text);
    const lower = name.toLowerCase();
    if (catalogue.others.has(name) || catalogue.unstable.has(lower)) return undefined;
    // Virtual columns tell of parts, which merge by themselves; `{x:Identifier}` names what the text does not.
    if (name.startsWith('_') || UNSTABLE_WORDS.has(lower)) return undefined;
    for (const table of catalogue.plain.get(name) ?? []) read.add(table);
  }
  if (first !== 'SELECT' && first !== 'WITH') return undefined;
  const settings = [...request.settings].filter(([name]) => !NO_MATTER.has(name)).sort();
  return JSON.stringify([
    text,
    format,
    request.database ?? '',
    request.encoding ?? '',
    request.compress,
    settings,
    [...request.parameters].sort(),
    catalogue.epoch,
    [...read].sort().map((table) => [table, versions.versionOf(table)]),
  ]);
}

const UNSTABLE_WORDS = new Set(['system', 'information_schema', 'identifier', 'sample', 'insert']);
