import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is made once and measured many times. `EVENTLAKE_BENCH_CACHE` names another folder. */
const cache =
  process.env.EVENTLAKE_BENCH_CACHE ?? fileURLToPath(new URL('../../.cache/bench', import.meta.url));

/** A log of `count` events: see `log.ts`. Whoever reads it leaves it as it is, but for the positions of consumers. */
export function preparedLog(count: number): string {
  return prepared(`log-${count}`, (folder) => runScript('prepare/log', folder, String(count)));
}

/** The same records as lines for DuckDB: see `lines.ts`. */
export function preparedLines(count: number): string {
  const log = preparedLog(count);
  return prepared(`lines-${count}`, (file) => runScript('prepare/lines', log, file));
}

/** A data folder with these events in all its tables, and 50,000 more that have only landed: see `lake.ts`. */
export function preparedLake(count: number): string {
  const log = preparedLog(count);
  return prepared(`lake-${count}`, (folder) => runScript('prepare/lake', log, folder));
}

export function runScript(name: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
  return execFileSync('npx', ['jiti', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
}

/** Under its name only once it is whole. */
function prepared(name: string, make: (path: string) => void): string {
  const path = join(cache, name);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  // No dot: LMDB takes a folder with one for a file.
  const begun = join(cache, `making-${name}`);
  rmSync(begun, { recursive: true, force: true });
  const startedMs = performance.now();
  make(begun);
  renameSync(begun, path);
  process.stderr.write(`prepared ${name} in ${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`);
  return path;
}
