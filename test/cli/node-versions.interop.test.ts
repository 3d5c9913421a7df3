import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const EVENTLAKE = join(ROOT, 'packages/eventlake/bin/eventlake.js');

/** The releases of Node that the README names, besides the one that runs the tests. */
describe.each(['22', '24'])('Node %s', (version) => {
  test('the pipeline runs from the log to ClickHouse, and verify is green', async () => {
    const node = await install(version);
    const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-node-'));
    const eventlake = async (...args: string[]) =>
      (await run(node, [EVENTLAKE, ...args, '--json', '--data-dir', dataDir])).stdout;
    try {
      await eventlake('run', 'producer', '--count', '20000', '--rate', '0', '--malformed', '0.01');
      for (const job of ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg']) {
        await eventlake('run', job, '--once');
      }
      const { checks } = JSON.parse(await eventlake('verify', '--deep'));
      expect(checks.filter(({ status }: { status: string }) => status !== 'ok')).toEqual([]);
      const counted = JSON.parse(
        await eventlake('query', 'SELECT toUInt32(sum(total_events)) AS n FROM gold.conversion_rate_daily'),
      );
      expect(counted.data[0].n).toBeGreaterThan(15_000);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

/** A release of Node from its npm package. @returns its binary */
async function install(version: string): Promise<string> {
  const folder = join(ROOT, '.cache/node', version);
  await mkdir(folder, { recursive: true });
  await run('npm', [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--no-save',
    `node@${version}`,
  ]);
  const node = join(folder, 'node_modules/node/bin/node');
  expect((await run(node, ['--version'])).stdout).toMatch(new RegExp(`^v${version}\\.`));
  return node;
}
