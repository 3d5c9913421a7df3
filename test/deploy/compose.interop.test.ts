import { type ChildProcess, execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  findEndpoint,
  readWriterSecret,
} from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { finished, start } from '../cli/eventlake.js';
import { makeFolder } from '../serving/processes.js';
import { DEPLOY } from './compose.js';

const run = promisify(execFile);
const ROOT = join(DEPLOY, '..');
const CHECK = join(ROOT, '.cache/compose-check/compose-check');
const PASSWORDS = {
  CLICKHOUSE_WRITER_PASSWORD: 'w1',
  CLICKHOUSE_READER_PASSWORD: 'r1',
  GRAFANA_ADMIN_PASSWORD: 'g1',
};

interface Service {
  command: string[] | null;
  environment: Record<string, string>;
}

/** The services as compose understands them. */
async function load(file: string, env: Record<string, string>): Promise<Record<string, Service>> {
  const { stdout } = await run(CHECK, [join(DEPLOY, file)], { env: { PATH: process.env.PATH, ...env } });
  return (JSON.parse(stdout) as { services: Record<string, Service> }).services;
}

beforeAll(async () => {
  await run(join(ROOT, 'scripts/setup-compose-check'));
});

describe('read as compose reads it', () => {
  test('both files are valid, and hand the passwords to those who need them', async () => {
    const services = await load('compose.yaml', PASSWORDS);
    expect(services['fast-agg']!.environment.EVENTLAKE_CLICKHOUSE_PASSWORD).toBe('w1');
    expect(services.clickhouse!.environment.CLICKHOUSE_PASSWORD).toBe('w1');
    expect(services.grafana!.environment.CLICKHOUSE_READER_PASSWORD).toBe('r1');
    const { CLICKHOUSE_WRITER_PASSWORD: _, ...others } = PASSWORDS;
    const embedded = await load('compose.embedded.yaml', others);
    expect(embedded.clickhouse!.environment.EVENTLAKE_CLICKHOUSE_PASSWORD).toBe('r1');
  });

  test.each(['compose.yaml', 'compose.embedded.yaml'])(
    '%s does not start without a password',
    async (file) => {
      await expect(load(file, {})).rejects.toThrow(/PASSWORD is missing a value/);
    },
  );
});

/** Asks until the answer holds; the time-out of the test is the bound. */
async function until(url: string, user: string, password: string, sql: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const headers = { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password };
        const response = await fetch(url, { method: 'POST', body: sql, headers }).catch(() => undefined);
        return (await response?.text())?.trim();
      },
      { timeout: 120_000, interval: 500 },
    )
    .toBe('1');
}

function startService({ command, environment }: Service, env: Record<string, string>): ChildProcess {
  const child = start(command ?? [], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...environment, EVENTLAKE_LOG_LEVEL: 'error', ...env },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function stop(children: readonly ChildProcess[]): Promise<void> {
  const ends = children.map((child) => finished(child));
  for (const child of children) child.kill('SIGTERM');
  expect((await Promise.all(ends)).map(({ code }) => code)).toEqual(children.map(() => 0));
}

async function folder(): Promise<string> {
  const { path } = await makeFolder();
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A real broker, as the file has one. */
async function broker(): Promise<string> {
  const dir = await folder();
  const script = join(ROOT, 'scripts/kafka');
  onTestFinished(() => run(script, ['stop', '--dir', dir, '--kill']).then(() => {}));
  return (await run(script, ['start', '--dir', dir])).stdout.trim().split('\n').at(-1)!;
}

test('its jobs are commands that fill ClickHouse from Kafka, as plain processes, and end when told to', async () => {
  const services = await load('compose.yaml', PASSWORDS);
  const [dataDir, serverDir] = [await folder(), await folder()];
  const logger = pino({ level: 'silent' });
  // An endpoint on a folder of its own stands for the server: the jobs know its address only.
  const server = await startEndpoint({ dataDir: serverDir, host: '127.0.0.1', port: 0, logger });
  onTestFinished(() => server.close());
  const password = await readWriterSecret(serverDir);
  const env = {
    EVENTLAKE_DATA_DIR: dataDir,
    EVENTLAKE_LOG_KAFKA_BROKERS: await broker(),
    EVENTLAKE_CLICKHOUSE_URL: server.url,
    EVENTLAKE_CLICKHOUSE_PASSWORD: password,
    EVENTLAKE_METRICS_PORT: '0',
  };
  const job = (name: string) => startService(services[name]!, env);
  const children = ['producer', 'raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg'].map(job);
  const ask = (sql: string) => until(server.url, 'writer', password, sql);
  await ask('SELECT count() > 0 FROM realtime.events_per_minute');
  await ask('SELECT count() > 0 FROM gold.conversion_rate_daily');
  children.push(job('verify'));
  await ask("SELECT count() > 5 AND countIf(status = 'mismatch') = 0 FROM realtime.pipeline_checks");
  await ask('SELECT uniq(stage) = 5 FROM realtime.pipeline_health');
  await stop(children);
});

test('without a server, the one command checks its ledger, and answers readers who have the password only', async () => {
  const { clickhouse } = await load('compose.embedded.yaml', PASSWORDS);
  const dataDir = await folder();
  expect(clickhouse!.environment).toHaveProperty('EVENTLAKE_VERIFY_INTERVAL_MS');
  const child = startService(clickhouse!, {
    EVENTLAKE_DATA_DIR: dataDir,
    EVENTLAKE_CLICKHOUSE_PORT: '0',
    EVENTLAKE_VERIFY_INTERVAL_MS: '3000',
  });
  await expect.poll(() => findEndpoint(dataDir), { timeout: 60_000 }).toBeDefined();
  const { url } = (await findEndpoint(dataDir))!;
  await until(url, 'reader', 'r1', 'SELECT count() > 0 FROM realtime.events_per_minute');
  // The ledger is checked by itself: an alert rule looks at it.
  await until(
    url,
    'reader',
    'r1',
    "SELECT uniq(checked_at) > 1 AND countIf(status = 'mismatch') = 0 FROM realtime.pipeline_checks",
  );
  const refused = await fetch(url, {
    method: 'POST',
    body: 'SELECT 1',
    headers: { 'X-ClickHouse-User': 'reader' },
  });
  expect([401, 403, 516]).toContain(refused.status);
  await stop([child]);
});
