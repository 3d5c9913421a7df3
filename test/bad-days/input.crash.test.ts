import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localStore } from '@eventlake/delta';
import { expect, test } from 'vitest';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { createRandom } from '../../pipelines/user-events/src/simulator/random.js';
import { type Fate, zoo } from '../../pipelines/user-events/src/simulator/zoo.js';
import { event } from '../jobs/events.js';
import { eventlake, expectGreen, newFolder, runJobs, tableRows } from './support/command.js';

const LONG = 10_000_000;
const good = (n: number) => JSON.stringify({ ...event(n), timestamp: '2025-03-10T12:00:00.000000+00:00' });

interface Line {
  name: string;
  fate: Fate;
  bytes: Buffer;
}

/** Whatever has ever come out of somebody's client: one line each, and very long ones. */
function lines(): Line[] {
  const random = createRandom(5);
  const specimens = zoo.map(({ name, fate, make }, i) => ({
    name,
    fate,
    bytes: Buffer.from(make(good(i), random)),
  }));
  const long = (text: string) => text.replace('"page":"', `"page":"${'x'.repeat(LONG)}`);
  return [
    ...specimens.filter(({ bytes }) => !bytes.includes(10) && bytes.toString().trim() !== ''),
    { name: 'a long line', fate: 'valid', bytes: Buffer.from(long(good(901))) },
    {
      name: 'a long line that is cut short',
      fate: 'unreadable',
      bytes: Buffer.from(long(good(902)).slice(0, LONG)),
    },
    { name: 'a good line at the end, which has none', fate: 'valid', bytes: Buffer.from(good(903)) },
  ];
}

async function quarantined(dataDir: string): Promise<Buffer[]> {
  const log = await openEmbeddedLog({ dir: join(dataDir, 'log') });
  const store = localStore(join(dataDir, 'lakehouse'));
  const engine = await openDuckDbEngine({ store, log, dataDir, memoryMb: 384, threads: 2 });
  const session = await engine.open();
  try {
    await session.readTable('set_aside', 'bronze.user_events_quarantine');
    const rows = await session.query<{ hex: string }>('SELECT hex(raw) AS hex FROM set_aside');
    return rows.map(({ hex }) => Buffer.from(hex, 'hex'));
  } finally {
    await session.close();
    await engine.close();
    await log.close();
  }
}

test('every line of a file is in bronze or, byte by byte, in quarantine; and each step sets aside what it should', async () => {
  const dataDir = await newFolder();
  const all = lines();
  const file = join(dataDir, 'events.ndjson');
  writeFileSync(
    file,
    Buffer.concat(all.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [Buffer.from('\n'), bytes]))),
  );
  const { code, stdout } = await eventlake(dataDir, 'ingest', file, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ records: all.length, finished: true });
  await runJobs(dataDir);
  const of = (fate: Fate) => all.filter((line) => line.fate === fate);
  expect(await tableRows(dataDir)).toMatchObject({
    'bronze.user_events': of('valid').length + of('rejected').length,
    'bronze.user_events_quarantine': of('unreadable').length,
    'bronze.user_events_gaps': 0,
    'silver.user_events': of('valid').length,
    'silver.user_events_quarantine': of('rejected').length,
  });
  const sorted = (bytes: readonly Buffer[]) => bytes.map((one) => one.toString('latin1')).sort();
  expect(sorted(await quarantined(dataDir))).toEqual(sorted(of('unreadable').map(({ bytes }) => bytes)));
  await expectGreen(dataDir);
});
