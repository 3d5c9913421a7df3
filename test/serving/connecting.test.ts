import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { openComponents } from '../../packages/eventlake/src/components.js';
import { settingsSchema } from '../../packages/eventlake/src/config/schema.js';

test('a process that could not open ClickHouse opens it when it can, once for all who ask', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-connecting-'));
  const components = await openComponents({
    settings: settingsSchema.parse({ dataDir, lakehouse: join(dataDir, 'lakehouse'), logLevel: 'silent' }),
    logger: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    cwd: process.cwd(),
  });
  onTestFinished(async () => {
    await components.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const inTheWay = join(dataDir, 'clickhouse');
  await writeFile(inTheWay, 'not a folder');
  await expect(components.serving()).rejects.toThrow();
  await rm(inTheWay);
  const [one, two] = await Promise.all([components.serving(), components.serving()]);
  expect(await one.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  expect(two).toBe(one);
});
