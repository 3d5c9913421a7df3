import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = ['packages/delta', 'packages/eventlake', 'pipelines/user-events'] as const;

let root: string;
let tarballs: string[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'eventlake-installed-'));
  tarballs = await Promise.all(PACKAGES.map(pack));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** As npm would publish it. @returns the tarball's path */
async function pack(folder: string): Promise<string> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', root];
  const { stdout } = await run('npm', args, { cwd: join(ROOT, folder) });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  expect(paths).toContain('dist/index.js');
  expect(paths.filter((path) => /(^|\/)(test|node_modules)\/|\.tsbuildinfo$/.test(path))).toEqual([]);
  return join(root, filename);
}

/** A user's project with nothing in it but what it depends on. */
async function project(name: string, dependencies: readonly string[]): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', ...dependencies], { cwd: folder });
  return folder;
}

test('@eventlake/delta by itself writes and reads a table', async () => {
  const cwd = await project('delta-alone', [tarballs[0]!]);
  const script = `
    import { createTable, localStore, openTable, required, struct } from '@eventlake/delta';
    const store = localStore('./lake');
    const users = await createTable(store, 'users', { schema: struct({ id: required('long'), name: 'string' }) });
    await users.append([{ id: 1, name: 'Ada' }, { id: 2, name: 'Grace' }]);
    console.log(JSON.stringify((await (await openTable(store, 'users')).scan().toArray()).map(({ name }) => name)));
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd });
  expect(JSON.parse(stdout)).toEqual(['Ada', 'Grace']);
  const lock = await readFile(join(cwd, 'node_modules/.package-lock.json'), 'utf8');
  const names = Object.keys(JSON.parse(lock).packages).map((path) => path.replace(/.*node_modules\//, ''));
  expect([...new Set(names)].sort()).toEqual(['@eventlake/delta', 'fzstd', 'hyparquet', 'hyparquet-writer']);
});

test('eventlake with its pipeline runs from the log to ClickHouse, and verify is green', async () => {
  const cwd = await project('whole', tarballs);
  const eventlake = async (...args: string[]) => {
    const { stdout } = await run('npx', ['eventlake', ...args, '--json'], { cwd });
    return stdout;
  };
  await eventlake('run', 'producer', '--count', '5000', '--rate', '0', '--malformed', '0.01');
  for (const job of ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg']) {
    await eventlake('run', job, '--once');
  }
  const { checks } = JSON.parse(await eventlake('verify', '--deep'));
  expect(checks.filter(({ status }: { status: string }) => status !== 'ok')).toEqual([]);
});
