import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alertsOf } from '../../scripts/grafana/alerts.js';
import { healthDashboard } from '../../scripts/grafana/pipeline-health.js';
import { NOON_MS } from '../jobs/lake.js';
import { temporaryFolder } from '../serving/processes.js';
import { DAY_MS, fillDashboards } from './filled.js';
import { ask, expandMacros } from './plugin.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const JUDGE = join(ROOT, '.cache/grafana-judge/judge');
const DASHBOARDS = join(ROOT, 'deploy/grafana/dashboards');

let filled: Awaited<ReturnType<typeof fillDashboards>>;
beforeAll(async () => {
  await run(join(ROOT, 'scripts/setup-grafana-judge'));
  filled = await fillDashboards();
});
afterAll(() => filled?.close());

describe("Grafana's foundation SDK reads strictly", () => {
  test.each(readdirSync(DASHBOARDS))('%s', async (name) => {
    const { stdout } = await run(JUDGE, ['dashboard', join(DASHBOARDS, name)]);
    expect(Number(stdout)).toBeGreaterThan(5);
  });

  test('and would tell what is wrong', async () => {
    const wrong = join(await temporaryFolder(), 'wrong.json');
    const whole = readFileSync(join(DASHBOARDS, 'user-events.json'), 'utf8');
    writeFileSync(wrong, whole.replace('"graphTooltip"', '"graphTooltips"'));
    await expect(run(JUDGE, ['dashboard', wrong])).rejects.toThrow(/unexpected field 'graphTooltips'/);
  });
});

test('every query of a panel or a rule has the same answer by clickhouse-go as over plain HTTP', async () => {
  const range = { fromMs: NOON_MS - DAY_MS, toMs: Date.now() + 60_000, intervalSeconds: 3600 };
  const panels = [...pipeline.dashboards!, healthDashboard(pipeline)]
    .flatMap(({ rows }) => rows)
    .flatMap((row) => row.panels);
  const queries = [...panels, ...alertsOf(pipeline)].map(({ sql }) => expandMacros(sql, range));
  const judge = spawn(JUDGE, ['query', new URL(filled.url).host, 'default', ''], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  judge.stdin.end(queries.map((query) => `${JSON.stringify(query)}\n`).join(''));
  const answers = (await text(judge.stdout)).trim().split('\n');
  expect(answers).toHaveLength(queries.length);
  for (const [i, query] of queries.entries()) {
    const rows = JSON.parse(answers[i]!) as Record<string, unknown>[];
    const plain = await ask(filled.url, query);
    // What is counted from now differs by the time between the two.
    if (/now\(\)/.test(query)) expect([query, rows.length]).toEqual([query, plain.length]);
    else expect([query, sorted(rows)]).toEqual([query, sorted(plain.map(toSeconds))]);
  }
});

/** The judge prints whole seconds. */
function toSeconds(row: Record<string, unknown>): Record<string, unknown> {
  const cut = (value: unknown) =>
    typeof value === 'string' ? value.replace(/^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+$/, '$1') : value;
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cut(value)]));
}

function sorted(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();
}
