import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { recordBatch } from '../../packages/eventlake/src/log/record-batch.js';
import { appendingAndReading } from '../contracts/event-log/appending.js';
import type { EventLogHarness } from '../contracts/event-log/harness.js';
import { waiting } from '../contracts/event-log/waiting.js';

const MiB = 2 ** 20;
const dir = mkdtempSync(join(tmpdir(), 'eventlake-log-map-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a log that maps its file anew after every block', () => {
  const harness: EventLogHarness = {
    open: (options) => openEmbeddedLog({ dir, mappedBytesMax: 1, ...options }),
    child: { module: '', open: '', options: {} },
    ownClock: true,
    ownRetention: true,
    wholeAppends: true,
  };
  describe('appending and reading', () => appendingAndReading(harness));
  describe('waiting', () => waiting(harness));

  test('reading, appending and committing positions at the same time get everything right', async () => {
    const log = await harness.open();
    onTestFinished(() => log.close());
    await log.createTopic('busy', { partitions: 2 });
    const values = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(20_000)}`);
    const appending = (async () => {
      for (const value of values) await log.append('busy', recordBatch([{ value }]));
    })();
    const read: string[] = [];
    const position = [0, 0];
    while (read.length < values.length) {
      await log.waitForRecords('busy', position, { timeoutMs: 1_000 });
      for (const { partition, endOffset } of (await log.topic('busy')).partitions) {
        for await (const block of log.read('busy', {
          partition,
          from: position[partition]!,
          to: endOffset,
        })) {
          for (let i = 0; i < block.count; i++) {
            const value = block.values.subarray(block.bounds[i], block.bounds[i + 1]);
            read.push(Buffer.from(value).toString());
          }
        }
        position[partition] = endOffset;
        await log.commitPositions('reader', 'busy', position);
      }
    }
    await appending;
    const inOrder = (texts: readonly string[]) =>
      [...texts].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    expect(inOrder(read)).toEqual(values);
    expect(await log.positions('reader', 'busy')).toEqual(position);
  });
});

test.skipIf(process.platform !== 'linux')(
  'a reader keeps a bounded part of a long log in memory',
  async () => {
    const log = await openEmbeddedLog({ dir, mappedBytesMax: 8 * MiB });
    onTestFinished(() => log.close());
    await log.createTopic('long', { partitions: 1 });
    for (let i = 0; i < 16; i++) {
      await log.append('long', recordBatch(Array.from({ length: 4 }, () => ({ value: randomText(MiB) }))));
    }
    const before = mappedBytes();
    let most = 0;
    for await (const _ of log.read('long', { partition: 0, from: 0, to: 64 }, { blockBytesMax: MiB })) {
      most = Math.max(most, mappedBytes());
    }
    expect(most - before).toBeLessThan(32 * MiB);
  },
);

function randomText(length: number): string {
  return String.fromCharCode(97 + Math.floor(Math.random() * 26)).repeat(length);
}

function mappedBytes(): number {
  return Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}
