import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildProgram } from '../../packages/eventlake/src/cli/main.js';
import { acquireLock } from '../../packages/eventlake/src/system/lock.js';
import { run } from './eventlake.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-cli-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

describe('help', () => {
  test('names every command, and every command has examples', async () => {
    const help = await run(['--help'], { cwd });
    expect(help.code).toBe(0);
    for (const command of buildProgram().commands) {
      expect(help.stdout).toContain(command.name());
      const own = await run([command.name(), '--help'], { cwd });
      expect(own.code, command.name()).toBe(0);
      expect(own.stdout, command.name()).toContain('Examples:');
    }
  });

  test('a wrong command, option or setting is a usage error', async () => {
    for (const args of [
      ['sttaus'],
      ['config', '--nope'],
      ['config', '--set', 'x'],
      ['config', '--set', 'x=1'],
    ]) {
      const { code, stdout, stderr } = await run(args, { cwd });
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain('error');
    }
  });
});

describe('errors', () => {
  test('say what, where and what next, without a stack unless asked', async () => {
    const short = await run(['config', '--config', 'none.ts'], { cwd });
    expect(short.code).toBe(3);
    expect(short.stderr).toContain(`where file ${join(cwd, 'none.ts')}`);
    expect(short.stderr).not.toMatch(/\n\s+at /);
    expect((await run(['config', '--config', 'none.ts', '--debug'], { cwd })).stderr).toMatch(/\n\s+at /);
  });

  test('are JSON on stderr with --json', async () => {
    const { stdout, stderr } = await run(['config', '--json', '--set', 'log.partitions=0'], { cwd });
    expect(stdout).toBe('');
    expect(JSON.parse(stderr)).toMatchObject({
      error: { kind: 'invalid', where: { setting: 'log.partitions' } },
    });
  });

  test('a password on the command line is refused, and one in a variable is masked', async () => {
    expect((await run(['config', '--set', 'clickhouse.password=x'], { cwd })).code).toBe(2);
    const shown = await run(['config', '--json'], { cwd, env: { EVENTLAKE_CLICKHOUSE_PASSWORD: 'hunter2' } });
    expect(shown.stdout).not.toContain('hunter2');
    expect(JSON.parse(shown.stdout)['clickhouse.password'].origin.name).toBe('EVENTLAKE_CLICKHOUSE_PASSWORD');
  });

  test('what a bucket refuses is said, and nothing of what the client for it would like to say', async () => {
    const bucket = createHttpServer((_, answer) => {
      answer.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
    });
    await once(bucket.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = bucket.address() as AddressInfo;
      const settings = [
        '--set',
        'lakehouse=s3://bucket/lake',
        '--set',
        `s3.endpoint=http://127.0.0.1:${port}`,
      ];
      const env = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
      const { code, stderr } = await run(['status', ...settings], { cwd, env });
      expect({ code, stderr }).toEqual({ code: 9, stderr: expect.stringMatching(/^error .*AccessDenied/) });
    } finally {
      bucket.close();
    }
  });
});

describe('doctor', () => {
  test('finds nothing wrong with a free port and a fresh folder', async () => {
    const { code, stdout } = await run(['doctor', '--json', '--set', 'clickhouse.port=0'], { cwd });
    expect(JSON.parse(stdout).filter(({ status }: { status: string }) => status === 'fail')).toEqual([]);
    expect(code).toBe(0);
  });

  test('says who has the port, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { code, stdout } = await run(['doctor', '--set', `clickhouse.port=${port}`], { cwd });
    server.close();
    expect(code).toBe(1);
    expect(stdout).toContain(`port ${port} on 127.0.0.1 is taken`);
    if (process.platform === 'linux') expect(stdout).toContain(`process ${process.pid}`);
    expect(stdout).toContain('take another port');
  });

  test('a data folder that cannot be made is a finding', async () => {
    await writeFile(join(cwd, 'file'), '');
    const { code, stdout } = await run(
      ['doctor', '--data-dir', 'file/inside', '--set', 'clickhouse.port=0'],
      { cwd },
    );
    expect(code).toBe(1);
    expect(stdout).toContain('cannot be written');
  });
});

test('with --json, what is wrong with the command line is JSON too', async () => {
  for (const args of [['statuss'], ['status', '--nosuch'], ['ingest'], ['--set', 'x', 'status']]) {
    const { code, stdout, stderr } = await run(['--json', ...args], { cwd });
    expect([code, stdout]).toEqual([2, '']);
    const { error } = JSON.parse(stderr) as { error: { kind: string; message: string } };
    expect(error.kind).toBe('invalid');
    expect(error.message).not.toMatch(/^error/);
  }
});

describe('reset', () => {
  test('deletes what is ours in the data folder, and nothing else', async () => {
    for (const name of ['lakehouse', 'metrics', 'precious'])
      await mkdir(join(cwd, '.eventlake', name), { recursive: true });
    const { code } = await run(['reset', '--yes'], { cwd });
    expect(code).toBe(0);
    expect(await readdir(join(cwd, '.eventlake'))).toEqual(['precious']);
  });

  test('does nothing without a yes, and nothing while something runs', async () => {
    await mkdir(join(cwd, '.eventlake', 'log'), { recursive: true });
    expect((await run(['reset'], { cwd })).code).toBe(2);
    const lock = await acquireLock(join(cwd, '.eventlake'), 'raw-landing');
    const refused = await run(['reset', '--yes'], { cwd });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain(`raw-landing (process ${process.pid})`);
    await lock.release();
    expect(await readdir(join(cwd, '.eventlake'))).toContain('log');
  });
});
