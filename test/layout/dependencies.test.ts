import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './sources.js';

/** Every dependency and the reason for it. What is not here is not needed, or its reason is not written down. */
const REASONS: Record<string, Record<string, string>> = {
  'packages/delta': {
    fzstd: 'decompresses zstd, which DuckDB and Databricks write, where Node is older than 22.15',
    hyparquet: 'reads checkpoints, in pure JavaScript',
    'hyparquet-writer': 'writes checkpoints and data, in pure JavaScript',
  },
  'packages/eventlake': {
    '@aws-sdk/client-s3': 'the tables on S3; loaded where the lakehouse is on s3:// only',
    '@bufbuild/protobuf': "Spark Connect's messages, generated from Spark's own definitions",
    '@clickhouse/client': 'how every job reaches ClickHouse, embedded or a server',
    '@connectrpc/connect': 'gRPC to Spark Connect: calls and their errors',
    '@connectrpc/connect-node': 'the same over HTTP/2 of Node',
    '@duckdb/node-api': 'the embedded engine: parses, transforms, writes Parquet',
    '@eventlake/delta': 'the tables',
    '@node-rs/crc32': 'the checksums of record batches on Kafka, at the speed of the processor',
    '@opentelemetry/api': 'traces of batches, where a collector is configured; prom-client brings it, too',
    '@opentelemetry/exporter-trace-otlp-http': 'sends them',
    '@opentelemetry/resources': 'says whose they are',
    '@opentelemetry/sdk-trace-base': 'makes them, in bounded batches',
    '@uwdata/flechette': 'the rows that Spark sends and takes, in Arrow',
    chdb: 'ClickHouse in the process',
    commander: 'the command line: help, options, suggestions',
    fzstd: 'ingests .zst on Node before 22.15, which has no zstd of its own',
    hyparquet: 'the footers of the files that Spark has written, for their statistics',
    jiti: 'loads eventlake.config.ts, since Node 20 runs no TypeScript',
    lmdb: 'the embedded event log: ordered, durable, shared by processes',
    'lz4-napi': 'lz4 blocks to and from Kafka, several times as fast as JavaScript',
    picocolors: 'colours, where there is a terminal and nobody forbids them',
    pino: 'structured logs',
    'prom-client': 'metrics in the format that Prometheus reads',
    zod: 'settings: types, defaults and refusals from one declaration',
    zstddec:
      'reads zstd from Kafka at four times the speed of fzstd, on Node before 22.15; it has no stream for files',
  },
  'pipelines/user-events': { eventlake: 'defineEvent and definePipeline' },
};

test.each(Object.keys(REASONS))('%s depends on what has a reason, and on nothing else', (folder) => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  expect(Object.keys(dependencies).sort()).toEqual(Object.keys(REASONS[folder]!).sort());
});

test('the root depends on tools only', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies?: object;
    devDependencies: object;
  };
  expect(dependencies).toBeUndefined();
  expect(Object.keys(devDependencies).sort()).toEqual([
    '@biomejs/biome',
    '@grafana/grafana-foundation-sdk',
    '@types/node',
    'fast-check',
    'typescript',
    'vitest',
    'yaml',
  ]);
});
