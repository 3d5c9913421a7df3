import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Relative to the repository's root. */
  path: string;
  text: string;
  /** Without comments, so that prose is not mistaken for code. */
  code: string;
  imports: Import[];
}

export interface Import {
  /** As it is written. */
  specifier: string;
  /** The repository's file that it means; undefined for packages. */
  target: string | undefined;
  typeOnly: boolean;
  isDynamic: boolean;
}

/** All TypeScript files below a folder of the repository. */
export function sourcesBelow(folder: string): SourceFile[] {
  return filesBelow(join(ROOT, folder))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map(readSource);
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.git'].includes(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function readSource(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const code = withoutComments(text);
  return { path: relative(ROOT, path), text, code, imports: importsOf(path, code) };
}

const STATIC = /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/g;
const DYNAMIC = /\bimport\(\s*'([^']+)'/g;
const TYPE_QUERY = /\bimport\('([^']+)'\)\.\w+/g;
/** A worker or a program that is started by its path. */
const BY_URL = /new URL\(\s*'(\.[^']+)'/g;

function importsOf(path: string, code: string): Import[] {
  const found: Omit<Import, 'target'>[] = [];
  for (const [, type, specifier] of code.matchAll(STATIC))
    found.push({ specifier: specifier!, typeOnly: Boolean(type), isDynamic: false });
  const typeQueries = new Set([...code.matchAll(TYPE_QUERY)].map((match) => match.index));
  for (const match of code.matchAll(DYNAMIC)) {
    found.push({
      specifier: match[1]!,
      typeOnly: typeQueries.has(match.index) && !/await\s*$/.test(code.slice(0, match.index)),
      isDynamic: true,
    });
  }
  for (const [, specifier] of code.matchAll(BY_URL))
    found.push({ specifier: specifier!, typeOnly: false, isDynamic: true });
  return found.map((item) => ({ ...item, target: targetOf(path, item.specifier) }));
}

function targetOf(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return relative(ROOT, resolve(dirname(from), specifier.replace(/\.js$/, '.ts')));
}

/** Block comments, and line comments that no quote or colon (of a URL) stands before. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
