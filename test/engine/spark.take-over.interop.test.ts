import { afterAll, beforeAll, expect, test } from 'vitest';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { goldOf, toGold, toSilver } from '../jobs/gold.js';
import { Crash, type Lake, NOON_MS, openLake } from '../jobs/lake.js';
import { land } from '../jobs/landing.js';
import { layerOf } from '../jobs/tables.js';
import { red } from '../verify/ledger.js';
import { badDays, onSpark, statesOf } from './spark/lakes.js';
import { type SparkServer, startSpark } from './spark/server.js';

const ROUNDS = 4;
const EVENTS = 3000;

let server: SparkServer;
beforeAll(async () => {
  server = await startSpark();
});
afterAll(() => server?.close());

test('a lake goes on under Spark and back, mid-stream: same tables, same positions, green throughout', async () => {
  const reference = await openLake();
  const lake = await openLake();
  try {
    const spark = await onSpark(lake, server.url);
    const simulations = [badDays(7), badDays(7)];
    for (let round = 1; round <= ROUNDS; round++) {
      const untilMs = NOON_MS + round * 60_000;
      for (const [i, target] of [reference, lake].entries()) {
        const { topic } = target.context.pipeline.event;
        await target.context.log.append(topic, simulations[i]!.next(EVENTS, untilMs));
        target.clock.ms = untilMs;
        await land(target.context);
      }
      await toSilver(reference);
      await toGold(reference);
      // DuckDB, Spark, and each once before and behind the other.
      await toSilver(round % 2 === 0 ? spark : lake);
      await toGold(round > 2 ? spark : lake);
      expect(red(await verify(lake.context)), `after round ${round}`).toEqual([]);
    }
    expect(red(await verify(lake.context, { deep: true })), 'counted by DuckDB').toEqual([]);
    expect(red(await verify(spark.context)), 'counted by Spark').toEqual([]);
    expect(await statesOf(lake)).toEqual(await statesOf(reference));
    const seen = { ...(await layerOf(lake.context, 'silver')), ...(await goldOf(lake)) };
    expect(seen).toEqual({
      ...(await layerOf(reference.context, 'silver')),
      ...(await goldOf(reference)),
    });
    expect(
      { ...(await layerOf(spark.context, 'silver')), ...(await goldOf(spark)) },
      'read by Spark',
    ).toEqual(seen);
    await spark.context.engine.close();
  } finally {
    await reference.close();
    await lake.close();
  }
});

test('a controller that dies between commits, and a server that is killed: the next one replays the plan', async () => {
  const reference = await openLake();
  const lake = await openLake();
  try {
    for (const target of [reference, lake]) {
      await target.context.log.append(target.context.pipeline.event.topic, badDays(9).next(EVENTS, NOON_MS));
      await land(target.context);
    }
    await toSilver(reference);
    await toGold(reference);

    await broken(lake, 'bronze-to-silver:after-duplicates-commit', toSilver);
    await server.kill();
    const away = await onSpark(lake, server.url).catch((error: unknown) => error);
    expect(away).toMatchObject({ kind: 'unavailable', hint: expect.stringContaining('scripts/spark start') });
    await server.restart();
    await broken(lake, 'bronze-to-silver:after-commit', toSilver);
    await onceOnSpark(lake, toSilver);
    await broken(lake, 'silver-to-gold:after-gold.kpi_dau-commit', toGold);
    await onceOnSpark(lake, toGold);

    expect(red(await verify(lake.context, { deep: true }))).toEqual([]);
    expect(await goldOf(lake)).toEqual(await goldOf(reference));
    expect(await layerOf(lake.context, 'silver')).toEqual(await layerOf(reference.context, 'silver'));
  } finally {
    await reference.close();
    await lake.close();
  }
});

async function onceOnSpark(lake: Lake, step: (lake: Lake) => Promise<unknown>): Promise<void> {
  const spark = await onSpark(lake, server.url);
  try {
    await step(spark);
  } finally {
    await spark.context.engine.close();
  }
}

async function broken(lake: Lake, at: string, step: (lake: Lake) => Promise<unknown>): Promise<void> {
  Object.assign(lake.crash, { at, nth: 1 });
  await expect(onceOnSpark(lake, step), at).rejects.toThrow(Crash);
}
