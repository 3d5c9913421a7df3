import { z } from 'zod';
import { kafkaSchema, kafkaSecrets } from './kafka-schema.js';

/**
 * Every setting, with its default and what is allowed. The single place that knows them: the type, the environment
 * variables' names, `eventlake config` and the guide's list come from here.
 */
const count = (min: number, max: number) =>
  z.int(whole(min, max)).min(min, whole(min, max)).max(max, whole(min, max));
const share = z
  .number('it must be a share from 0 to 1')
  .min(0, 'it must be a share from 0 to 1')
  .max(1, 'it must be a share from 0 to 1');
const text = z.string('it must be a text');
const url = z
  .url({ protocol: /^https?$/, error: 'it must be a URL that begins with http:// or https://' })
  .refine((text) => !/^[a-z]+:\/\/[^/?#]*@/i.test(text), {
    error:
      'it must be without user and password, which would be logged with it: they have settings of their own',
  });

const engineName = z.enum(['duckdb', 'spark'], 'it must be "duckdb" or "spark"');

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const milliseconds = (min: number, max = 7 * 86_400_000) => count(min, max);
const bytes = (min: number, max: number) => count(min, max);

export const settingsSchema = z.strictObject({
  dataDir: text
    .min(1, 'it must name a folder')
    .default('./.eventlake')
    .describe('The folder of everything: log, tables, ClickHouse, locks.'),
  pipeline: text
    .min(1, 'it must name a module')
    .default('@eventlake/user-events')
    .describe('The module that declares the pipeline: a package, or a path.'),
  lakehouse: text
    .default('')
    .describe(
      'The folder, or `s3://bucket/prefix`, of the Delta tables and checkpoints. Default: `lakehouse` in the data folder.',
    ),
  s3: z
    .strictObject({
      endpoint: url.optional().describe('An S3-compatible store for a lakehouse on `s3://`. Unset: AWS.'),
      region: text
        .min(1, 'it must be a region')
        .optional()
        .describe(
          "The bucket's region. Unset: what the AWS SDK finds; `us-east-1` where there is an endpoint.",
        ),
      forcePathStyle: z
        .boolean('it must be true or false')
        .optional()
        .describe('The bucket in the path instead of the host name. Unset: where there is an endpoint.'),
      caFile: text
        .min(1, 'it must be a file')
        .optional()
        .describe('Certificates to trust, PEM, where the store has one of an authority of its own.'),
      cacheBytesMax: bytes(MIB, 1024 * 1024 * GIB)
        .default(4 * GIB)
        .describe('Copies of files of the store that are kept in `cache` in the data folder.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      partitions: count(1, 1024).default(4).describe('Partitions of a new topic.'),
      retentionHours: count(1, 24 * 3660)
        .default(168)
        .describe('Records older than this may be removed, once every consumer has read them.'),
      retentionBytesMax: bytes(MIB, 1024 * 1024 * GIB)
        .default(8 * GIB)
        .describe('Oldest records are removed beyond this size, once every consumer has read them.'),
      kafka: kafkaSchema,
    })
    .prefault({}),
  onDataLoss: z
    .enum(['stop', 'continue'], 'it must be "stop" or "continue"')
    .default('stop')
    .describe(
      'Records are gone from the log before they were read: stop with an error, or continue with what is left and record what is missing.',
    ),
  standbyAfterMs: milliseconds(1000)
    .optional()
    .describe(
      'An instance of a job that was overtaken by another stands by, and takes over when that one has planned nothing for so long (three intervals at least). Unset: it ends.',
    ),
  engine: z
    .strictObject({
      default: engineName
        .default('duckdb')
        .describe('Who computes: duckdb, in the process, or spark, a cluster.'),
      'raw-landing': engineName.optional().describe('Who computes raw-landing, if another.'),
      'bronze-to-silver': engineName.optional().describe('Who computes bronze-to-silver, if another.'),
      'silver-to-gold': engineName.optional().describe('Who computes silver-to-gold, if another.'),
      'fast-agg': engineName.optional().describe('Who computes fast-agg, if another.'),
    })
    .prefault({}),
  duckdb: z
    .strictObject({
      memoryMb: count(64, 1_048_576)
        .default(384)
        .describe("Memory limit of one job's DuckDB, beyond which it spills to `tmp` in the data folder."),
      threads: count(1, 1024).default(2).describe("Threads of one job's DuckDB."),
    })
    .prefault({}),
  spark: z
    .strictObject({
      url: text
        .regex(/^sc:\/\/[^/;]+(\/.*)?$/, 'it must be like sc://host:15002/;use_ssl=true')
        .default('sc://127.0.0.1:15002')
        .describe("The Spark Connect server, in Spark's own notation."),
      token: text.optional().describe('Bearer token for `spark.url`; then the connection is encrypted.'),
      caFile: text
        .min(1, 'it must be a file')
        .optional()
        .describe(
          "PEM file of the authority that signed the server's certificate. Unset: those that Node trusts.",
        ),
      connectTimeoutMs: milliseconds(100, 600_000)
        .default(20_000)
        .describe('So long the server may take to answer at first.'),
      statementTimeoutMs: milliseconds(1000)
        .default(3_600_000)
        .describe('A statement that takes longer is interrupted.'),
      shufflePartitions: count(1, 100_000)
        .optional()
        .describe("Partitions of a shuffle. Unset: the cluster's own setting."),
    })
    .prefault({}),
  rawLanding: z
    .strictObject({
      commitIntervalMs: milliseconds(10).default(1000).describe('Bronze is committed this often …'),
      commitBytesMax: bytes(KIB, GIB)
        .default(64 * MIB)
        .describe('… or when this much has arrived, whichever is first.'),
    })
    .prefault({}),
  bronzeToSilver: z
    .strictObject({
      mode: z
        .enum(['merge', 'overwrite'], 'it must be "merge" or "overwrite"')
        .default('merge')
        .describe(
          'merge: only what is new; overwrite: silver is made anew from all of bronze. The results are the same.',
        ),
      intervalMs: milliseconds(100)
        .default(3_600_000)
        .describe('Schedule. `eventlake dev` takes a minute unless this is set.'),
    })
    .prefault({}),
  silverToGold: z
    .strictObject({
      intervalMs: milliseconds(100)
        .default(3_600_000)
        .describe('Schedule. `eventlake dev` takes a minute unless this is set.'),
    })
    .prefault({}),
  fastAgg: z
    .strictObject({
      commitIntervalMs: milliseconds(10).default(200).describe('The live tables are added to this often …'),
      commitBytesMax: bytes(KIB, GIB)
        .default(64 * MIB)
        .describe('… or when this much has arrived, whichever is first.'),
    })
    .prefault({}),
  producer: z
    .strictObject({
      ratePerSecond: count(0, 100_000_000)
        .default(200)
        .describe('Events a second of the simulated producer; 0: as fast as the log takes them.'),
      users: count(1, 10_000_000).default(1000).describe('Users of the simulated shop.'),
      duplicates: share.default(0.01).describe('Share of events that are sent twice.'),
      malformed: share.default(0.001).describe('Share of records that are no valid event.'),
      late: share.default(0.005).describe('Share of events that arrive minutes or days after they happened.'),
      outOfOrder: share.default(0.05).describe('Share of events that arrive seconds after later ones.'),
    })
    .prefault({}),
  clickhouse: z
    .strictObject({
      url: url.optional().describe('A ClickHouse server. Unset: the embedded one.'),
      user: text.optional().describe('User name for `clickhouse.url`, or of readers of the embedded one.'),
      password: text.optional().describe('Password for `clickhouse.url`, or of readers of the embedded one.'),
      cluster: text
        .min(1, 'it must be the name of a cluster')
        .optional()
        .describe('Cluster of `clickhouse.url`: tables are made on all of it, and replicated.'),
      host: text
        .min(1, 'it must be an address')
        .default('127.0.0.1')
        .describe('Address that the embedded endpoint listens on.'),
      port: count(0, 65_535)
        .default(8123)
        .describe('Port that the embedded endpoint listens on; 0: any free one.'),
      tls: z
        .strictObject({
          certFile: text.optional().describe("PEM file of the embedded endpoint's certificate: HTTPS."),
          keyFile: text.optional().describe('PEM file of its key. Both are read again when they change.'),
        })
        .prefault({}),
    })
    .prefault({}),
  verify: z
    .strictObject({
      intervalMs: milliseconds(1000)
        .optional()
        .describe('How often `eventlake dev` recounts the ledger. Unset: it does not.'),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      host: text
        .min(1, 'it must be an address')
        .default('127.0.0.1')
        .describe('Address that `metrics.port` is opened on.'),
      port: count(0, 65_535)
        .optional()
        .describe(
          "Port of a job's own `/metrics`, `/health` and `/ready`. Unset: none; the endpoint has them.",
        ),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      otlpEndpoint: url
        .optional()
        .describe(
          'Base address of an OpenTelemetry collector (OTLP over HTTP), such as `http://127.0.0.1:4318`. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`.',
        ),
    })
    .prefault({}),
  maintenance: z
    .strictObject({
      compactAfterFiles: count(2, 100_000)
        .default(50)
        .describe('A table is compacted when it has this many small files.'),
      compactTargetBytes: bytes(MIB, 16 * GIB)
        .default(128 * MIB)
        .describe('Size of a compacted file.'),
      vacuumRetentionHours: count(0, 24 * 3660)
        .default(168)
        .describe('Files that no version of this time needs are deleted.'),
    })
    .prefault({}),
  logLevel: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'], 'it must be one of silent, error, warn, info, debug')
    .default('info')
    .describe('What the jobs write about.'),
});

/** The effective settings: data, never components. */
export type Settings = z.infer<typeof settingsSchema>;

const leaves = collect(settingsSchema);

/** All settings in the order of the declaration: `dataDir`, `log.partitions`, … */
export const settingPaths: readonly string[] = [...leaves.keys()];

export function settingDescription(path: string): string | undefined {
  return leaves.get(path)?.description;
}

export function isSecret(path: string): boolean {
  return path === 'clickhouse.password' || path === 'spark.token' || kafkaSecrets.includes(path);
}

/** `engine: 'spark'` says what `engine: { default: 'spark' }` does. */
export function fullPath(path: string): string {
  return path === 'engine' ? 'engine.default' : path;
}

/** `rawLanding.commitIntervalMs` → `EVENTLAKE_RAW_LANDING_COMMIT_INTERVAL_MS` */
export function variableName(path: string): string {
  return `EVENTLAKE_${path
    .replace(/\.default$/, '')
    .replace(/([A-Z])/g, '_$1')
    .replace(/[.-]/g, '_')
    .toUpperCase()}`;
}

/** Text from a variable or a flag as the setting's type; what does not fit stays text, for the schema to refuse. */
export function coerce(path: string, value: string): unknown {
  const type = baseType(leaves.get(path));
  if (type === 'number' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}

/** The known setting, or variable, that an unknown one was most likely meant to be. */
export function nearestSetting(unknown: string): string | undefined {
  const spellings = unknown.startsWith('EVENTLAKE_')
    ? settingPaths.map((path) => [variableName(path)])
    : settingPaths.map((path) => [path, path.split('.').pop()!]);
  const scored = spellings
    .map((spelled) => ({
      name: spelled[0]!,
      edits: Math.min(...spelled.map((name) => editDistance(name, unknown))),
    }))
    .sort((a, b) => a.edits - b.edits);
  const best = scored[0]!;
  return best.edits <= Math.max(2, unknown.length / 4) ? best.name : undefined;
}

function whole(min: number, max: number): string {
  return `it must be a whole number from ${min} to ${max}`;
}

function collect(schema: z.ZodType, prefix = ''): Map<string, z.ZodType> {
  const found = new Map<string, z.ZodType>();
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return found.set(prefix, schema);
  for (const [key, child] of Object.entries(inner.shape)) {
    const path = prefix ? `${prefix}.${key}` : key;
    for (const [leaf, type] of collect(child as z.ZodType, path)) found.set(leaf, type);
  }
  return found;
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema;
}

function baseType(schema: z.ZodType | undefined): 'number' | 'boolean' | 'string' {
  const inner = schema && unwrap(schema);
  if (inner instanceof z.ZodNumber) return 'number';
  return inner instanceof z.ZodBoolean ? 'boolean' : 'string';
}

/** Levenshtein's distance, upper and lower case being the same. */
function editDistance(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[right.length]!;
}
