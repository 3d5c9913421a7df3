import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createDatabase, createTable } from '../../packages/eventlake/src/serving/ddl.js';
import { engineOfFile } from './engine-of-file.js';

const engine = await engineOfFile();
await engine.administer(createDatabase('realtime'));

async function makeTable(name: string): Promise<void> {
  await engine.administer(
    createTable({ name, columns: [{ name: 'a', type: 'Int64' }], engine: 'MergeTree', orderBy: ['a'] }),
  );
}

async function insert(table: string): Promise<void> {
  await engine.administer(`INSERT INTO ${table} SELECT number FROM numbers(10)`);
}

/** How often the engine has flushed a file while `work` ran. */
async function filesFlushed(work: () => Promise<unknown>): Promise<number> {
  const flushed = async () => {
    const [n] = await engine.administer(`SELECT sum(value) FROM system.events WHERE event = 'FileSync'`);
    return Number(n);
  };
  const before = await flushed();
  await work();
  return (await flushed()) - before;
}

test('an insert is on the disk when it is acknowledged', async () => {
  await makeTable('realtime.inserted');
  expect(await filesFlushed(() => insert('realtime.inserted'))).toBeGreaterThan(0);
});

test('what parts were merged into, or mutated to, is on the disk before they are deleted', async () => {
  await makeTable('realtime.merged');
  await engine.administer('SYSTEM STOP MERGES realtime.merged');
  await insert('realtime.merged');
  await insert('realtime.merged');
  await engine.administer('SYSTEM START MERGES realtime.merged');
  expect(await filesFlushed(() => engine.administer('OPTIMIZE TABLE realtime.merged FINAL'))).toBeGreaterThan(
    0,
  );
  expect(
    await filesFlushed(() =>
      engine.administer('ALTER TABLE realtime.merged DELETE WHERE a = 1 SETTINGS mutations_sync = 1'),
    ),
  ).toBeGreaterThan(0);
});

test('a table that was dropped is gone within seconds, not after eight minutes', async () => {
  await makeTable('realtime.dropped');
  await engine.administer('DROP TABLE realtime.dropped');
  const waiting = () => engine.administer('SELECT table FROM system.dropped_tables');
  while ((await waiting()).length > 0) await sleep(100);
});
