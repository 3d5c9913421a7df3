import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../serving/processes.js';
import { DEPLOY } from './compose.js';

const run = promisify(execFile);
const ROOT = join(DEPLOY, '..');

/** Imports every module below a folder, and says how many there are. */
const IMPORT_ALL = `import { readdirSync } from 'node:fs';
  const names = readdirSync(process.argv[1], { recursive: true }).filter((name) => name.endsWith('.js'));
  for (const name of names) await import('file://' + process.argv[1] + '/' + name);
  console.log(names.length);
  process.exit(0);`;

test("the image's steps, done in a folder, make something that runs and has all that it imports", async () => {
  const { path } = await makeFolder();
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  const app = join(path, 'app');
  const ignored = (await readFile(join(DEPLOY, 'Dockerfile.dockerignore'), 'utf8')).trim().split('\n');
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  });
  for (const file of stdout.trim().split('\n')) {
    if (ignored.includes(file.split('/')[0]!)) continue;
    await mkdir(dirname(join(app, file)), { recursive: true });
    await cp(join(ROOT, file), join(app, file));
  }
  const dockerfile = await readFile(join(DEPLOY, 'Dockerfile'), 'utf8');
  const steps = /^RUN (npm ci .*)$/m.exec(dockerfile)![1]!;
  await run('sh', ['-c', steps], { cwd: app, env: { PATH: process.env.PATH, HOME: process.env.HOME } });

  const [command, ...first] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!) as string[];
  const start = (...args: string[]) =>
    run(command!, [...first.map((arg) => arg.replace(/^\/app/, app)), ...args], {
      env: { PATH: process.env.PATH, EVENTLAKE_DATA_DIR: join(path, 'data'), EVENTLAKE_LOG_LEVEL: 'warn' },
    });
  expect((await start('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  await start('run', 'producer', '--count', '100', '--rate', '0');
  await start('run', 'fast-agg', '--once');
  const { stdout: counted } = await start(
    'query',
    'SELECT sum(event_count) > 0 AS counted FROM realtime.events_per_minute',
  );
  expect(counted).toMatch(/1|true/);
  for (const library of ['eventlake', 'delta']) {
    const dist = join(app, 'packages', library, 'dist');
    const { stdout: modules } = await run(process.execPath, ['--input-type=module', '-e', IMPORT_ALL, dist]);
    expect(Number(modules)).toBeGreaterThan(50);
  }
});
