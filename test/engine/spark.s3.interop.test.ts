import { randomUUID } from 'node:crypto';
import { s3Store } from '@eventlake/delta';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type S3Server, startS3Server } from '../../packages/delta/test/support/s3-servers.js';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { goldOf, toGold, toSilver } from '../jobs/gold.js';
import { type Lake, NOON_MS, openLake } from '../jobs/lake.js';
import { land } from '../jobs/landing.js';
import { layerOf } from '../jobs/tables.js';
import { red } from '../verify/ledger.js';
import { badDays, onSpark } from './spark/lakes.js';
import { type SparkServer, startSpark } from './spark/server.js';

let s3: S3Server;
let server: SparkServer;
beforeAll(async () => {
  s3 = await startS3Server('versitygw');
  server = await startSpark({
    with: 's3',
    env: s3.env,
    conf: {
      'spark.hadoop.fs.s3a.endpoint': s3.endpoint,
      'spark.hadoop.fs.s3a.endpoint.region': 'us-east-1',
      'spark.hadoop.fs.s3a.path.style.access': 'true',
    },
  });
});
afterAll(async () => {
  await server?.close();
  await s3?.close();
});

test('tables on S3: Spark goes on where DuckDB stopped, while DuckDB puts files together: the same tables as in a folder', async () => {
  const reference = await openLake();
  const lake = await openLakeOnS3();
  try {
    const spark = await onSpark(lake, server.url);
    const shops = [badDays(11), badDays(11)];
    for (let round = 1; round <= 3; round++) {
      const untilMs = NOON_MS + round * 60_000;
      for (const [i, target] of [reference, lake].entries()) {
        const { topic } = target.context.pipeline.event;
        await target.context.log.append(topic, shops[i]!.next(1000, untilMs));
        target.clock.ms = untilMs;
        await land(target.context);
      }
      await toSilver(reference);
      await toGold(reference);
      await toSilver(round === 1 ? lake : spark);
      // Files of silver are put together by one engine while the other one reads them.
      const compacted = lake.context.engine.optimize('silver.user_events', { targetBytes: 2 ** 20 });
      await Promise.all([compacted, toGold(spark)]);
    }
    expect(red(await verify(lake.context, { deep: true }))).toEqual([]);
    const of = async (seen: Lake) => ({
      ...(await layerOf(seen.context, 'silver')),
      ...(await goldOf(seen)),
    });
    expect(await of(lake)).toEqual(await of(reference));
    expect(await of(spark), 'read by Spark').toEqual(await of(reference));
    await spark.context.engine.close();
  } finally {
    await reference.close();
    await lake.close();
  }
});

async function openLakeOnS3(): Promise<Lake> {
  const lake = await openLake();
  const { log, settings, engine: onFolder } = lake.context;
  await onFolder.close();
  const store = await s3Store(`${s3.url}/${randomUUID()}`, s3.options);
  const options = { store, log, dataDir: settings.dataDir, memoryMb: 384, threads: 2 };
  const engine = await openDuckDbEngine(options);
  const close = async () => {
    await engine.close();
    await log.close();
  };
  return { ...lake, context: { ...lake.context, store, engine }, close };
}
