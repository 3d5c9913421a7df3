import pino from 'pino';
import { expect, test } from 'vitest';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { startFixture, temporaryFolder } from './processes.js';

test('blocks that are inserted again after kill -9 count once, and what was acknowledged is there', async () => {
  const dataDir = await temporaryFolder();
  const seed = Date.now() % 1000;
  console.log(`seed ${seed}`);
  let acknowledged = 0;
  for (let round = 0; round < 12; round++) {
    // From some blocks before: the job replays its newest plan, and here some more.
    const inserter = startFixture('insert-process', [dataDir, String(Math.max(1, acknowledged - 3))]);
    await inserter.nextLine();
    await new Promise((resolve) => setTimeout(resolve, ((seed + round * 37) % 29) * 7));
    await inserter.kill('SIGKILL');
    acknowledged = Math.max(acknowledged, ...inserter.lines.map(Number));
  }
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse: '/nowhere' };
  const serving = await connectServing({ settings, dataDir, logger: pino({ level: 'silent' }) });
  for (let block = Math.max(1, acknowledged - 3); block <= acknowledged + 1; block++) {
    const rows = Array.from({ length: 100 }, (_, k) => ({ k, n: 1 }));
    await serving.insert('realtime.t', rows, `fast-agg/t/${block}`);
  }
  const [sums] = await serving.query(
    'SELECT min(n) AS low, max(n) AS high FROM (SELECT k, sum(n) AS n FROM realtime.t GROUP BY k)',
  );
  expect(sums).toEqual({ low: acknowledged + 1, high: acknowledged + 1 });
  await serving.close();
});
