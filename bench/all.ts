/** Every claim, one after the other: `jiti bench/all.ts [quick]`. See README.md. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const quick = process.argv[2] === 'quick';
const full = [
  ['idle', '2', '20'],
  ['freshness', '30', '2'],
  ['chain', '1000000', '3'],
  ['chain', '5000000', '1'],
  ['incremental', '5000000,20000000', '3', '1'],
  ['memory', '5000000', '1', 'dev,once,chain'],
  ['memory', '20000000', '1', 'dev,once'],
];
/** That all of them run, not how fast. */
const short = [
  ['idle', '1', '5'],
  ['freshness', '8', '1'],
  ['chain', '1000000', '1'],
  ['incremental', '1000000', '1', '1'],
  ['memory', '1000000', '1', 'dev,once,chain'],
];

for (const [name, ...args] of quick ? short : full) {
  const startedMs = performance.now();
  process.stderr.write(`${name} ${args.join(' ')}\n`);
  const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const { status } = spawnSync('npx', ['jiti', script, ...args], { stdio: 'inherit' });
  process.stderr.write(
    `${name} ended with ${status} after ${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`,
  );
}
