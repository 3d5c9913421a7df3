import { expect, onTestFinished, test } from 'vitest';
import type { EngineConnection } from '../../packages/eventlake/src/serving/endpoint/engine.js';
import { ReaderConnections } from '../../packages/eventlake/src/serving/endpoint/reader-connections.js';
import { engineOfFile } from './engine-of-file.js';

const READER = 'SET ROLE reader; SET readonly = 2;';

const engine = await engineOfFile();

function open(idleMax: number) {
  const readers = new ReaderConnections(engine, idleMax);
  const held = new Set<EngineConnection>();
  onTestFinished(async () => {
    for (const connection of held) await connection.close();
    await readers.close();
  });
  return {
    async take(preamble: string) {
      const connection = await readers.take(preamble);
      held.add(connection);
      return connection;
    },
    giveBack(preamble: string, connection: EngineConnection) {
      held.delete(connection);
      return readers.giveBack(preamble, connection);
    },
  };
}

async function ask(connection: EngineConnection, sql: string): Promise<string> {
  return Buffer.from((await connection.run(sql, 'TSV')).bytes).toString('utf8');
}

test('a connection is a reader’s before anything runs on it, and as long as it is used', async () => {
  const readers = open(2);
  const first = await readers.take(READER);
  // The classification comes before the query and may refuse it: what is given back then has run nothing yet.
  await readers.giveBack(READER, first);
  const again = await readers.take(READER);
  expect(again).toBe(first);
  const state = "SELECT currentRoles(), getSetting('readonly'), getSetting('join_use_nulls')";
  expect(await ask(again, state)).toBe("['reader']\t2\tfalse\n");
  expect(await ask(again, `${state} SETTINGS join_use_nulls = 1`)).toBe("['reader']\t2\ttrue\n");
  await readers.giveBack(READER, again);
  expect(await ask(await readers.take(READER), state)).toBe("['reader']\t2\tfalse\n");
});

test('another preamble is another connection', async () => {
  const readers = open(2);
  const mine = await readers.take(READER);
  await readers.giveBack(READER, mine);
  const withSetting = `SET join_use_nulls = 1; ${READER}`;
  const yours = await readers.take(withSetting);
  expect(yours).not.toBe(mine);
  expect(await ask(yours, "SELECT getSetting('join_use_nulls')")).toBe('true\n');
  await readers.giveBack(withSetting, yours);
  expect(await readers.take(READER)).toBe(mine);
  expect(await readers.take(withSetting)).toBe(yours);
});

test('one on which something failed is not used again', async () => {
  const readers = open(2);
  const failed = await readers.take(READER);
  await expect(ask(failed, 'SELECT throwIf(1)')).rejects.toThrow();
  await readers.giveBack(READER, failed);
  expect(await readers.take(READER)).not.toBe(failed);
});

test('a preamble that does not run gives no connection', async () => {
  const readers = open(2);
  await expect(readers.take(`USE nowhere; ${READER}`)).rejects.toThrow('UNKNOWN_DATABASE');
});

test('only so many wait for their next query', async () => {
  const readers = open(1);
  const [one, other] = [await readers.take(READER), await readers.take(READER)];
  await readers.giveBack(READER, one);
  await readers.giveBack(READER, other);
  expect(await readers.take(READER)).toBe(other);
  expect(await readers.take(READER)).not.toBe(one);
});
