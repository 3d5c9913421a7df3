import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createTable, localStore } from '@eventlake/delta';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { ClickHouseException } from '../../packages/eventlake/src/serving/endpoint/errors.js';
import { pathHider } from '../../packages/eventlake/src/serving/endpoint/hide-paths.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { temporaryFolder } from './processes.js';

const hide = pathHider(['/data/my lake', '/srv/x', '/v']);
const hidden = (text: string) => hide(new ClickHouseException(1, 'X', text)).message;

test.each([
  ['Cannot open file /data/my lake/clickhouse/pipes/0-ab: no', 'Cannot open file …: no'],
  ['in file `data/my lake/bronze/a.parquet`', 'in file `…`'],
  ['file:///srv/x/_delta_log/0.json, line 1', '…, line 1'],
  ['/srv/x', '…'],
  ['/srv/xylophone/a and srv/x.y are not ours', '/srv/xylophone/a and srv/x.y are not ours'],
  ['a column v of /v/a/b', 'a column v of …'],
  [`${homedir()}/.config`, '…'],
  [`${process.cwd()}/eventlake.config.ts`, '…'],
  ["Unknown identifier `x` in '/a'", "Unknown identifier `x` in '/a'"],
])('%s', (text, expected) => {
  expect(hidden(text)).toBe(expected);
});

test.each(['a', '/', ' ', '`', 'Code: 1. DB::Exception: '])(
  'a message of many %o is read in linear time',
  (part) => {
    const text = `Code: 395. DB::Exception: ${part.repeat(1_000_000 / part.length)}: while executing. (X_Y)`;
    const { code, codeName, message } = hide(ClickHouseException.from(new Error(text)));
    expect([code, codeName]).toEqual([395, 'X_Y']);
    expect(message.length).toBeLessThan(10_000);
  },
);

test('of an error around an error the inner one is told', () => {
  const inner = 'Code: 73. DB::Exception: Unknown format x. (UNKNOWN_FORMAT) (version 26.7.2.1)';
  const outer = `Code: 73. DB::Exception: ${inner}. (UNKNOWN_FORMAT) (version 26.7.2.1)`;
  const error = ClickHouseException.from(new Error(`Code: 73. DB::Exception: ${outer}. (UNKNOWN_FORMAT)`));
  expect(error.text('1')).toBe('Code: 73. DB::Exception: Unknown format x. (UNKNOWN_FORMAT) (version 1)');
});

test('what a reader is told of damaged tables names no file of this machine', async () => {
  const dataDir = await temporaryFolder();
  const lake = join(dataDir, 'lakehouse');
  for (const name of ['bronze/user_events', 'silver/user_events', 'silver/broken', 'gold/gone'])
    await makeTable(lake, name);
  const tables = ['bronze.user_events', 'silver.user_events', 'silver.broken', 'gold.gone'];
  const endpoint = await startEndpoint({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
    lake: { root: lake, tables: tables.map((name) => ({ name })) },
  });
  onTestFinished(() => endpoint.close());
  const { url } = endpoint;
  const told: string[] = [];
  const ask = async (query: string) => {
    const response = await fetch(url, { method: 'POST', body: query });
    const text = await response.text();
    if (!response.ok) told.push(text);
    return text;
  };
  for (const table of ['silver.user_events', 'silver.broken', 'gold.gone'])
    await ask(`SELECT * FROM ${table}`);
  // A file that is named and not there, one that is none, a log that is none, a folder that has gone.
  const log = (name: string) => join(lake, name, '_delta_log', '00000000000000000001.json');
  const add = (path: string) =>
    `${JSON.stringify({ add: { path, partitionValues: {}, size: 10, modificationTime: 1, dataChange: true } })}\n`;
  await writeFile(log('bronze/user_events'), add('missing.parquet'));
  await writeFile(join(lake, 'silver/user_events/false.parquet'), 'no parquet');
  await writeFile(log('silver/user_events'), add('false.parquet'));
  await writeFile(log('silver/broken'), 'no json\n');
  await rm(join(lake, 'gold/gone'), { recursive: true });
  for (const query of [
    'SELECT * FROM bronze.user_events',
    'SELECT * FROM silver.user_events',
    'SELECT * FROM silver.broken',
    'SELECT count() FROM gold.gone',
    'DESCRIBE TABLE gold.gone',
    'SELECT * FROM silver.nothing',
    'SELECT nothing FROM bronze.user_events',
    'EXPLAIN SELECT * FROM silver.user_events',
  ])
    await ask(query);
  expect(told.length).toBeGreaterThanOrEqual(5);
  for (const kind of [
    'EXPLAIN',
    'EXPLAIN PLAN json = 1,',
    'EXPLAIN PIPELINE',
    'EXPLAIN QUERY TREE',
    'EXPLAIN AST',
  ])
    told.push(await ask(`${kind.replace(/,$/, '')} SELECT n FROM bronze.user_events`));
  for (const text of told) {
    expect(text).not.toContain(dataDir.slice(1));
    expect(text).not.toContain(dataDir.split('/').at(-1));
  }
});

async function makeTable(lake: string, name: string): Promise<void> {
  await mkdir(lake, { recursive: true });
  const field = { name: 'n', type: 'long' as const, nullable: true, metadata: {} };
  await createTable(localStore(lake), name, { schema: { type: 'struct', fields: [field] } });
}
