import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import pino from 'pino';
import { Counter, Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { endpointMetrics } from '../../packages/eventlake/src/metrics/endpoint-metrics.js';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { temporaryFolder } from './processes.js';

async function serve(reader?: { password: string }) {
  const dataDir = join(await temporaryFolder(), 'data');
  const registry = new Registry();
  new Counter({ name: 'known_total', help: 'It is there.', registers: [registry] });
  const figures = endpointMetrics(registry);
  const page = async () => ({ text: await registry.metrics(), contentType: registry.contentType });
  const endpoint = await startEndpoint({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
    metrics: { figures, page },
    ...(reader ? { reader } : {}),
  });
  onTestFinished(() => endpoint.close());
  const get = (path: string, headers: Record<string, string> = {}) => fetch(endpoint.url + path, { headers });
  return { dataDir, url: endpoint.url, get };
}

test('/play is one page that loads nothing, and runs only what it came with', async () => {
  const { get } = await serve();
  const response = await get('/play');
  const page = await response.text();
  expect(page).not.toMatch(/https?:|src=|href=|\bon\w+=|innerHTML|eval\(/);
  const policy = response.headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  for (const tag of ['script', 'style']) {
    const text = new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(page)![1]!;
    const digest = createHash('sha256').update(text).digest('base64');
    expect(policy).toContain(`${tag}-src 'sha256-${digest}'`);
    if (tag === 'script') expect(() => new Function(text)).not.toThrow();
  }
});

test('what the page asks for is answered', async () => {
  const { url } = await serve();
  const body =
    "SELECT database, name, total_rows FROM system.tables WHERE database IN ('realtime', 'gold') ORDER BY 1, 2";
  const response = await fetch(`${url}/?default_format=JSONCompact&limit=1001`, { method: 'POST', body });
  expect(await response.json()).toMatchObject({ data: [], meta: [{ name: 'database' }, {}, {}] });
});

test('a web page whose name was pointed at this machine gets neither figures nor the page', async () => {
  const { url } = await serve();
  for (const path of ['/metrics', '/play', '/ready', '/ping']) {
    const status = await new Promise((resolve, reject) => {
      const outgoing = request(url + path, { headers: { Host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on('error', reject).end();
    });
    expect(status, path).toBe(403);
  }
});

test('who may not read gets nothing that another has been answered', async () => {
  const { dataDir, get } = await serve({ password: 'geheim' });
  const reader = { 'X-ClickHouse-User': 'default', 'X-ClickHouse-Key': 'geheim' };
  const writer = { 'X-ClickHouse-User': 'writer', 'X-ClickHouse-Key': await readWriterSecret(dataDir) };
  const query = '/?query=SELECT+123456';
  expect(await (await get(query, reader)).text()).toBe('123456\n');
  expect((await get(query, reader)).headers.get('x-eventlake-cache')).toBe('hit');
  for (const headers of [
    {},
    { ...reader, 'X-ClickHouse-Key': 'wrong' },
    { ...reader, 'X-ClickHouse-User': 'x' },
  ]) {
    const response = await get(query, headers);
    expect([401, 403]).toContain(response.status);
    expect(await response.text()).not.toContain('123456');
  }
  // What a writer has read is not there for readers to find, whatever they write.
  const secret = '/?query=SELECT+count()+FROM+system.processes';
  expect((await get(secret, writer)).status).toBe(200);
  expect((await get(secret, reader)).status).toBe(403);
});

test('the figures tell of queries by role and outcome', async () => {
  const { get } = await serve();
  for (const query of ['SELECT 1', 'SELECT 1', 'SELECT nothing'])
    await get(`/?query=${encodeURIComponent(query)}`);
  const text = await (await get('/metrics')).text();
  expect(text).toContain('eventlake_query_duration_seconds_count{role="reader",outcome="ok"} 2');
  expect(text).toContain('eventlake_query_duration_seconds_count{role="reader",outcome="error"} 1');
  expect(text).toContain('eventlake_query_cache_requests_total{result="hit"} 1');
  expect(text).toMatch(/eventlake_http_connections [1-9]/);
});
