import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';
import { recordBatch } from '../../packages/eventlake/src/log/record-batch.js';
import { readAll, values } from '../contracts/event-log/harness.js';

const CHILD = fileURLToPath(new URL('./support/append-until-it-fails.mjs', import.meta.url));
const FILL_DISK = fileURLToPath(new URL('./support/fill-disk.mjs', import.meta.url));
const onPosix = test.skipIf(process.platform === 'win32');

// A small disk of its own, for the child alone: needs root, or user namespaces.
const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

test.skipIf(!canMount)(
  'a full disk: a clear error, nothing acknowledged is lost, and it goes on with space',
  () => {
    const disk = tempFolder();
    const mount = 'mount -t tmpfs -o size=160m none "$1" && exec "$2" "$3" "$1"';
    const child = spawnSync('unshare', ['-rm', 'sh', '-c', mount, 'sh', disk, process.execPath, FILL_DISK], {
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    const { seen, failures } = JSON.parse(child.stdout) as {
      seen: Record<string, number>;
      failures: object[];
    };
    expect(seen).toMatchObject({ stillFull: 4, afterRetention: 10, afterFreeing: 50, lost: 0 });
    expect(seen.untilFull).toBeGreaterThan(100);
    expect(seen.removed).toBeGreaterThan(100);
    for (const failure of failures) {
      expect(failure).toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining('full'),
        where: { file: join(disk, 'log') },
        hint: expect.stringContaining('everything acknowledged is there'),
      });
    }
  },
);

onPosix(
  'a write that ends half-way: a clear error, nothing acknowledged is lost, and it goes on',
  async () => {
    const dir = tempFolder();
    // A limit on the size of files, in the midst of a page.
    const child = spawnSync('sh', ['-c', 'ulimit -f 8193; exec "$@"', 'sh', process.execPath, CHILD, dir], {
      encoding: 'utf8',
    });
    const { acknowledged, failures } = JSON.parse(child.stdout) as {
      acknowledged: number;
      failures: object[];
    };
    expect(acknowledged).toBeGreaterThan(10);
    expect(failures).toHaveLength(4);
    for (const failure of failures) {
      expect(failure).toMatchObject({
        kind: 'unavailable',
        where: { file: dir },
        hint: expect.stringContaining('cknowledged'),
      });
    }
    const log = await opened(dir);
    expect(values(await readAll(log, 'topic')).map((value) => value!.length)).toEqual(
      Array.from({ length: acknowledged }, () => 50_000),
    );
    await log.append('topic', recordBatch([{ value: 'again' }]));
    expect((await readAll(log, 'topic')).at(-1)).toMatchObject({ offset: acknowledged, value: 'again' });
  },
);

onPosix.each(['the folder', 'its parent'])('%s cannot be written: a clear error', (what) => {
  const locked = tempFolder();
  chmodSync(locked, 0o555);
  const dir = what === 'the folder' ? locked : join(locked, 'log');
  // Root may write everywhere: then the child is nobody.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawnSync(process.execPath, [CHILD, dir], { encoding: 'utf8', ...user });
  expect(JSON.parse(child.stdout)).toMatchObject({
    acknowledged: 0,
    failures: [
      { kind: 'unavailable', where: { file: dir }, hint: expect.stringContaining('right to write') },
    ],
  });
});

test('a file where the folder should be: a clear error', async () => {
  const dir = join(tempFolder(), 'log');
  writeFileSync(dir, 'something else');
  await expect(openEmbeddedLog({ dir })).rejects.toMatchObject({ kind: 'invalid', where: { file: dir } });
});

test.each(['garbage', 'more garbage '.repeat(10_000)])(
  'a file that is no log: a clear error',
  async (content) => {
    const dir = tempFolder();
    writeFileSync(join(dir, 'data.mdb'), content);
    await expect(openEmbeddedLog({ dir })).rejects.toMatchObject({
      kind: 'corrupt',
      where: { file: join(dir, 'data.mdb') },
    });
  },
);

test('a file that was cut short: a clear error, not the end of the process', async () => {
  const dir = tempFolder();
  await closedLogWith(dir, 50);
  truncateSync(join(dir, 'data.mdb'), 100_000);
  await expect(openEmbeddedLog({ dir })).rejects.toMatchObject({ kind: 'corrupt' });
});

test('a file that lacks its last pages: what is missing is named, the rest can be read', async () => {
  const dir = tempFolder();
  await closedLogWith(dir, 50);
  const path = join(dir, 'data.mdb');
  truncateSync(path, statSync(path).size - 100_000);
  const log = await opened(dir);
  const read = async (from: number, to: number) => {
    for await (const _ of log.read('topic', { partition: 0, from, to }));
  };
  await expect(read(0, 50)).rejects.toMatchObject({
    kind: 'corrupt',
    where: { topic: 'topic', partition: 0 },
  });
  await read(0, 10);
});

test('a byte that changed on the disk: the reader is told where, and gets nothing of that block', async () => {
  const dir = tempFolder();
  await closedLogWith(dir, 20);
  const path = join(dir, 'data.mdb');
  const at = readFileSync(path).indexOf(`record 7 ${'x'.repeat(100)}`);
  expect(at).toBeGreaterThan(0);
  const file = openSync(path, 'r+');
  writeSync(file, 'Y', at + 50);
  const log = await opened(dir);
  const seen: number[] = [];
  const read = async (from: number) => {
    for await (const block of log.read('topic', { partition: 0, from, to: 20 }, { blockBytesMax: 1 }))
      seen.push(...block.offsets);
  };
  await expect(read(0)).rejects.toMatchObject({
    kind: 'corrupt',
    where: { topic: 'topic', partition: 0, offset: 7 },
  });
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  await read(8);
  expect(seen.slice(7)).toEqual(Array.from({ length: 12 }, (_, i) => 8 + i));
});

test('space of removed records and topics is used again', async () => {
  const dir = tempFolder();
  const log = await opened(dir);
  const megabyte = recordBatch(
    Array.from({ length: 10 }, (_, i) => ({ key: `${i}`, value: Buffer.alloc(100_000, 'x') })),
  );
  await log.createTopic('kept', { partitions: 2, retentionBytesMax: 5_000_000 });
  for (let i = 0; i < 60; i++) {
    await log.append('kept', megabyte);
    await log.enforceRetention('kept');
  }
  for (let i = 0; i < 6; i++) {
    await log.createTopic('short-lived', { partitions: 1 });
    for (let j = 0; j < 10; j++) await log.append('short-lived', megabyte);
    await log.deleteTopic('short-lived');
  }
  expect(statSync(join(dir, 'data.mdb')).size).toBeLessThan(40_000_000);
});

async function closedLogWith(dir: string, records: number): Promise<void> {
  const log = await openEmbeddedLog({ dir });
  await log.createTopic('topic', { partitions: 1 });
  for (let i = 0; i < records; i++)
    await log.append('topic', recordBatch([{ value: `record ${i} ${'x'.repeat(10_000)}` }]));
  await log.close();
}

async function opened(dir: string): Promise<EventLog> {
  const log = await openEmbeddedLog({ dir });
  onTestFinished(() => log.close());
  return log;
}

function tempFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'eventlake-log-'));
  onTestFinished(() => {
    if (!existsSync(dir)) return;
    chmodSync(dir, 0o755);
    rmSync(dir, { recursive: true, force: true });
  });
  mkdirSync(dir, { recursive: true });
  return dir;
}
