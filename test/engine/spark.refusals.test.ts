import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../cli/eventlake.js';

// No Spark is needed for these: they come before anybody asks for one.
let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-spark-refusals-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function refusalOf(env: Record<string, string>, ...args: string[]) {
  const { stderr } = await run([...args, '--json'], { env, cwd });
  return JSON.parse(stderr.trim().split('\n').at(-1)!) as object;
}

test.each(['raw-landing', 'fast-agg'])(
  '%s on Spark without Kafka: why not, and both ways out',
  async (job) => {
    const refusal = {
      kind: 'invalid',
      message: `${job} cannot run on Spark: no cluster reads the log of the data folder`,
      hint: expect.stringMatching(new RegExp(`log\\.kafka\\.brokers.*engine\\.${job} to duckdb`)),
    };
    expect(await refusalOf({}, 'run', job, '--once', '--engine', 'spark')).toMatchObject({
      error: { ...refusal, where: { job, setting: `engine.${job}` } },
    });
    expect(await refusalOf({ EVENTLAKE_ENGINE: 'spark' }, 'run', job, '--once')).toMatchObject({
      error: { ...refusal, where: { job, setting: 'engine.default' } },
    });
  },
);

test('an address of another protocol is refused before anything begins', async () => {
  const env = { EVENTLAKE_SPARK_URL: 'spark://127.0.0.1:7077' };
  expect(await refusalOf(env, 'run', 'bronze-to-silver', '--once', '--engine', 'spark')).toMatchObject({
    error: { kind: 'invalid', message: expect.stringContaining('sc://') },
  });
  expect(existsSync(join(cwd, '.eventlake/lakehouse/silver'))).toBe(false);
});
