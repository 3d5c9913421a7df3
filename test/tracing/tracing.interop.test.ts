import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../cli/eventlake.js';

/** OTLP/JSON, as far as it is looked at: opentelemetry-proto, trace/v1/trace.proto. */
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number };
}
interface OtlpTraces {
  resourceSpans: { resource: { attributes: OtlpSpan['attributes'] }; scopeSpans: { spans: OtlpSpan[] }[] }[];
}

const spans: (OtlpSpan & { service: string })[] = [];
const bodies: string[] = [];
const paths = new Set<string>();
let keys: (string | undefined)[] = [];
const collector = createServer(async (message, response) => {
  let body = '';
  for await (const chunk of message.setEncoding('utf8')) body += chunk;
  paths.add(`${message.method} ${message.url}`);
  keys.push(message.headers['x-api-key'] as string | undefined);
  bodies.push(body);
  for (const { resource, scopeSpans } of (JSON.parse(body) as OtlpTraces).resourceSpans) {
    const service = String(attributesOf(resource.attributes)['service.name']);
    spans.push(...scopeSpans.flatMap((scope) => scope.spans).map((span) => ({ ...span, service })));
  }
  response.setHeader('Content-Type', 'application/json').end('{}');
});

let cwd: string;
let log = '';

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-tracing-'));
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=geheim' };
  await run(['run', 'producer', '--seed', '7', '--count', '500', '--rate', '0', '--malformed', '0.1'], {
    cwd,
  });
  for (const job of ['raw-landing', 'fast-agg', 'bronze-to-silver', 'silver-to-gold']) {
    const { code, stderr } = await run(['run', job, '--once'], { cwd, env });
    expect(code, stderr).toBe(0);
    log += stderr;
  }
});

afterAll(async () => {
  collector.close();
  await rm(cwd, { recursive: true, force: true });
});

function attributesOf(attributes: OtlpSpan['attributes']): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** A stage's batch and its steps. */
function traceOf(stage: string) {
  const root = spans.find(({ name }) => name === `${stage} batch`)!;
  const steps = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
  const tables = (name: string) =>
    steps
      .filter((step) => step.name === name)
      .map(({ attributes }) => attributesOf(attributes)['eventlake.table']);
  return { root, steps, tables, attributes: attributesOf(root.attributes) };
}

test('a batch of each stage is a trace: plan, read, compute, and each commit, insert and publication', () => {
  expect([...paths]).toEqual(['POST /v1/traces']);
  const landing = traceOf('raw-landing');
  expect(landing.attributes).toMatchObject({
    'eventlake.stage': 'raw-landing',
    'eventlake.topic': 'user-events',
  });
  expect(Number(landing.attributes['eventlake.batch'])).toBe(1);
  expect(Number(landing.attributes['eventlake.records'])).toBeGreaterThanOrEqual(500);
  expect(new Set(landing.steps.map(({ name }) => name))).toEqual(
    new Set(['plan', 'read', 'compute', 'commit']),
  );
  expect(landing.tables('commit')).toEqual(['bronze.user_events_quarantine', 'bronze.user_events']);
  expect(traceOf('fast-agg').tables('insert')).toContain('realtime.events_per_minute');
  expect(traceOf('bronze-to-silver').tables('commit')).toContain('silver.user_events');
  expect(traceOf('silver-to-gold').tables('commit')).toContain('gold.fact_events');
  expect(traceOf('silver-to-gold').tables('publish')).toContain('gold.daily_active_users');
  expect(landing.root).toMatchObject({ service: 'eventlake-raw-landing' });
});

test('steps lie within their batch, in its trace', () => {
  for (const stage of ['raw-landing', 'fast-agg', 'bronze-to-silver', 'silver-to-gold']) {
    const { root, steps } = traceOf(stage);
    expect(steps.length).toBeGreaterThan(2);
    for (const step of steps) {
      expect(step.traceId).toBe(root.traceId);
      expect(BigInt(step.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(root.startTimeUnixNano));
      expect(BigInt(step.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(root.endTimeUnixNano));
    }
  }
});

test('a batch links to the batches that it is made of, from job to job', () => {
  const linked = (stage: string) => (traceOf(stage).root.links ?? []).map(({ traceId }) => traceId);
  expect(linked('bronze-to-silver')).toEqual([traceOf('raw-landing').root.traceId]);
  expect(linked('silver-to-gold')).toEqual([traceOf('bronze-to-silver').root.traceId]);
});

test('neither events nor SQL nor secrets are in a span or a log line', () => {
  expect(keys).toEqual(keys.map(() => 'geheim'));
  expect(log).not.toContain('geheim');
  for (const body of bodies) expect(body).not.toMatch(/geheim|SELECT|"login"|purchase"/);
});

test('a job whose collector is away does its work', async () => {
  keys = [];
  await run(['run', 'producer', '--count', '100', '--rate', '0'], { cwd });
  const env = { EVENTLAKE_TRACING_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  const { code, stderr } = await run(['run', 'raw-landing', '--once'], { cwd, env });
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('caught up');
  expect(keys).toEqual([]);
});
