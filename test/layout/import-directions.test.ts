import { describe, expect, test } from 'vitest';
import { sourcesBelow } from './sources.js';

const EVENTLAKE = 'packages/eventlake/src';

/**
 * What a folder of eventlake may import besides itself, types included. An event travels in this order: a folder knows
 * those before it, and of a contract that has several implementations the contract alone. What is named by its file is an
 * exception, or all that is needed. `cli`, `pipeline.ts` and `components.ts` know everything.
 */
const COMMON = ['errors.ts', 'limits.ts'];
const CONTRACTS = ['log/event-log.ts', 'engine/engine.ts', 'serving/serving.ts'];
const MAY_IMPORT: Record<string, string[]> = {
  schema: ['errors.ts', 'log/event-log.ts'],
  system: ['errors.ts'],
  config: ['errors.ts', 'schema'],
  log: [...COMMON, 'config.ts', 'schema'],
  ingest: [...COMMON, 'log/event-log.ts'],
  batch: COMMON,
  engine: [...COMMON, 'config.ts', 'log/event-log.ts', 'schema', 'system'],
  serving: [...COMMON, 'config.ts', 'schema', 'system', 'metrics/endpoint-metrics.ts'],
  jobs: [...COMMON, ...CONTRACTS, 'config.ts', 'schema', 'batch'],
  verify: [...COMMON, ...CONTRACTS, 'config.ts', 'schema', 'batch', 'jobs'],
  metrics: [...COMMON, 'config.ts', 'status.ts', 'system'],
  tracing: [...COMMON, ...CONTRACTS, 'batch', 'jobs/job.ts'],
};

const sources = sourcesBelow(EVENTLAKE);

describe.each(Object.keys(MAY_IMPORT))('%s', (folder) => {
  test('imports only what comes before it', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith(`${EVENTLAKE}/${folder}/`))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ target }) => target?.startsWith(EVENTLAKE) && !isAllowed(target, folder))
          .map(({ specifier }) => `${path} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });
});

function isAllowed(target: string, folder: string): boolean {
  const inside = target.slice(EVENTLAKE.length + 1);
  return [folder, ...MAY_IMPORT[folder]!].some(
    (allowed) => inside === allowed || inside.startsWith(`${allowed}/`),
  );
}

test('an engine knows nothing of the other, and what both do with Delta tables knows neither', () => {
  const ENGINES = [`${EVENTLAKE}/engine/duckdb/`, `${EVENTLAKE}/engine/spark/`];
  const shared = sources.filter(({ path }) => /\/engine\/(delta\/)?[^/]+$/.test(path));
  const engines = ENGINES.map((own) => sources.filter(({ path }) => path.startsWith(own)));
  const wrong = [shared, ...engines].flatMap((files, i) =>
    files.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => ENGINES.some((engine, j) => j !== i - 1 && target?.startsWith(engine)))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    ),
  );
  expect(wrong).toEqual([]);
});

test('nothing but the command line imports the command line', () => {
  const wrong = sources.filter(
    ({ path, imports }) =>
      !path.startsWith(`${EVENTLAKE}/cli/`) &&
      imports.some(({ target }) => target?.startsWith(`${EVENTLAKE}/cli/`)),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test('a command is a file of cli/commands, its parts a folder of that name, and no command knows another', () => {
  const COMMANDS = `${EVENTLAKE}/cli/commands/`;
  const commandOf = (path: string) =>
    path.startsWith(COMMANDS) ? path.slice(COMMANDS.length).replace(/(\/.*|\.ts)$/, '') : undefined;
  const wrong = sources
    .filter(({ path }) => path !== `${EVENTLAKE}/cli/main.ts`)
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target && commandOf(target) && commandOf(target) !== commandOf(path))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
  expect(wrong).toEqual([]);
});

test('@eventlake/delta stands on its own: no eventlake, no engine, no ClickHouse', () => {
  const allowed =
    /^(node:|\.|fzstd$|hyparquet|hyparquet-writer$|hyparquet-compressors$|@aws-sdk\/client-s3$)/;
  const wrong = sourcesBelow('packages/delta/src').flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier }) => !allowed.test(specifier))
      .map(({ specifier }) => `${path} imports ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test('a pipeline knows the public names of eventlake only', () => {
  const wrong = sourcesBelow('pipelines/user-events/src').flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier }) => !/^(node:|\.\/|\.\.\/|eventlake$)/.test(specifier))
      .map(({ specifier }) => `${path} imports ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test('native and heavy modules are loaded by those who use them, never by importing the command line', () => {
  const heavy =
    /^(lmdb|chdb|@opentelemetry\/|@aws-sdk\/|@duckdb\/|@clickhouse\/|@connectrpc\/|@bufbuild\/|@uwdata\/|@node-rs\/|lz4-napi$|jiti$|pino$|zod$)/;
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const visit = (path: string) => {
    const source = byPath.get(path);
    if (!source || reached.has(path)) return;
    reached.add(path);
    for (const { target, typeOnly, isDynamic } of source.imports)
      if (target && !typeOnly && !isDynamic) visit(target);
  };
  visit(`${EVENTLAKE}/cli/main.ts`);
  const wrong = [...reached].flatMap((path) =>
    byPath
      .get(path)!
      .imports.filter(
        ({ specifier, typeOnly, isDynamic }) => heavy.test(specifier) && !typeOnly && !isDynamic,
      )
      .map(({ specifier }) => `${path} imports ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test('the environment is read by the settings, and by the crash points of the tests', () => {
  const readers = sources
    .filter(({ code }) =>
      /process\.env\b(?!\.UV_THREADPOOL_SIZE|\.SSL_CERT_FILE = |\.npm_command)/.test(code),
    )
    .map(({ path }) => path.slice(EVENTLAKE.length + 1));
  expect(
    readers.filter((path) => !['cli/invocation.ts', 'crash-points.ts', 'cli/commands/dev.ts'].includes(path)),
  ).toEqual([]);
});
