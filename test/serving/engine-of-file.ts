import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Engine } from '../../packages/eventlake/src/serving/endpoint/engine.js';
import { makeFolder } from './processes.js';

/** ClickHouse in this process on a folder of its own, until the tests of the file are through. */
export async function engineOfFile(): Promise<Engine> {
  const folder = await makeFolder();
  const engine = await Engine.open(join(folder.path, 'clickhouse'));
  afterAll(async () => {
    await engine.close();
    await folder.remove();
  });
  return engine;
}
