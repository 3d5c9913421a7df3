import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../cli/eventlake.js';

const ROOT = join(import.meta.dirname, '../..');
const COLLECTOR = join(ROOT, '.cache/otel-collector/collector');

/** As far as it is looked at, in the file that the collector writes. */
interface Span {
  traceId: string;
  name: string;
  links?: { traceId: string }[];
}
interface Traces {
  resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
}

let cwd: string;
let collector: ChildProcess;
let endpoint: string;
beforeAll(async () => {
  await promisify(execFile)(join(ROOT, 'scripts/setup-otel-collector'));
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-collector-'));
  const address = `127.0.0.1:${await freePort()}`;
  endpoint = `http://${address}`;
  writeFileSync(
    join(cwd, 'collector.yaml'),
    `
receivers: { otlp: { protocols: { http: { endpoint: "${address}" } } } }
exporters: { file: { path: ${join(cwd, 'spans.jsonl')} } }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines: { traces: { receivers: [otlp], exporters: [file] } }
`,
  );
  collector = spawn(COLLECTOR, ['--config', join(cwd, 'collector.yaml')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (;;) {
    const answer = await fetch(`${endpoint}/v1/traces`).catch(() => undefined);
    if (answer !== undefined) break;
    if (collector.exitCode !== null) throw new Error('the collector ended');
    await sleep(100);
  }
});
afterAll(async () => {
  collector?.kill('SIGKILL');
  await rm(cwd, { recursive: true, force: true });
});

test('the OpenTelemetry Collector takes every batch of the way to gold, linked from job to job', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
  await run(['run', 'producer', '--seed', '7', '--count', '500', '--rate', '0'], { cwd });
  for (const job of ['raw-landing', 'fast-agg', 'bronze-to-silver', 'silver-to-gold']) {
    const { code, stderr } = await run(['run', job, '--once'], { cwd, env });
    expect(code, stderr).toBe(0);
  }
  const ended = once(collector, 'exit');
  collector.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
  const lines = readFileSync(join(cwd, 'spans.jsonl'), 'utf8').trim().split('\n');
  const spans = lines
    .flatMap((line) => (JSON.parse(line) as Traces).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  const batch = (stage: string) => spans.find(({ name }) => name === `${stage} batch`)!;
  const linked = (stage: string) => (batch(stage).links ?? []).map(({ traceId }) => traceId);
  expect(batch('fast-agg').traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(linked('bronze-to-silver')).toEqual([batch('raw-landing').traceId]);
  expect(linked('silver-to-gold')).toEqual([batch('bronze-to-silver').traceId]);
  const steps = spans.map(({ name }) => name).filter((name) => !name.includes(' '));
  expect(new Set(steps)).toEqual(new Set(['plan', 'read', 'compute', 'commit', 'insert', 'publish']));
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
