import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findEndpoint } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { run, start } from '../cli/eventlake.js';

const execute = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const JUDGE = join(ROOT, '.cache/metrics-judge/judge');
const PASSWORD = 'geheim';

let cwd: string;
let url: string;
let stop = () => false;
beforeAll(async () => {
  await execute(join(ROOT, 'scripts/setup-metrics-judge'));
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-prometheus-'));
  await run(['run', 'producer', '--seed', '7', '--count', '500', '--rate', '0', '--malformed', '0.1'], {
    cwd,
  });
  await run(['run', 'raw-landing', '--once'], { cwd });
  const env = { EVENTLAKE_CLICKHOUSE_USER: 'reader', EVENTLAKE_CLICKHOUSE_PASSWORD: PASSWORD };
  const child = start(['serve', '--port', '0'], { cwd, env, stdio: 'ignore' });
  stop = () => child.kill('SIGKILL');
  for (;;) {
    const found = await findEndpoint(join(cwd, '.eventlake'));
    if (found !== undefined) {
      url = found.url;
      return;
    }
    await sleep(100);
  }
});
afterAll(async () => {
  stop();
  await rm(cwd, { recursive: true, force: true });
});

/** What Prometheus answers, having scraped the page. */
async function ask(user: string, ...queries: string[]): Promise<{ labels: object; value: number }[][]> {
  const { stdout } = await execute(JUDGE, ['scrape', `${url}/metrics`, user, PASSWORD, ...queries]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { labels: object; value: number }[]);
}

test("Prometheus's linter has nothing to say about the page", async () => {
  const headers = { Authorization: `Basic ${Buffer.from(`reader:${PASSWORD}`).toString('base64')}` };
  const page = await fetch(`${url}/metrics`, { headers });
  expect(page.status).toBe(200);
  const judge = spawn(JUDGE, ['lint'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    judge.kill();
  });
  judge.stdin.end(await page.text());
  expect(await text(judge.stdout)).toBe('');
});

test('Prometheus scrapes it with the password of readers, and answers queries of what is there', async () => {
  const [up, lag, landed, tables, buckets] = await ask(
    'reader',
    'up == 1',
    'eventlake_stage_lag_records{stage="raw-landing"}',
    'eventlake_stage_rows_total + on(stage) eventlake_quarantined_rows_total',
    'eventlake_table_rows{table="bronze.user_events"}',
    'histogram_quantile(0.5, eventlake_query_duration_seconds_bucket) or up',
  );
  expect(up).toHaveLength(1);
  expect(lag).toMatchObject([{ value: 0 }]);
  const bronze = tables![0]!.value;
  expect(bronze).toBeGreaterThan(400);
  const all = landed!.find(({ labels }) => (labels as { stage: string }).stage === 'raw-landing')!.value;
  expect(all).toBeGreaterThan(bronze);
  expect(buckets!.length).toBeGreaterThan(0);
});

test('without the password, Prometheus finds the target down', async () => {
  const [up] = await ask('', 'up');
  expect(up).toMatchObject([{ value: 0 }]);
});
