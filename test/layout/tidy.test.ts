import { expect, test } from 'vitest';
import { sourcesBelow } from './sources.js';

const sources = ['packages/delta/src', 'packages/eventlake/src', 'pipelines/user-events/src'].flatMap(
  sourcesBelow,
);

/** Made from Spark's own protocol definitions by scripts/generate-spark-connect: nobody reads it, nobody edits it. */
const GENERATED = 'packages/eventlake/src/engine/spark/protocol/';
const written = sources.filter(({ path }) => !path.startsWith(GENERATED));

/** Where programs and importers come in. */
const ENTRIES = [
  'packages/delta/src/index.ts',
  'packages/eventlake/src/index.ts',
  'packages/eventlake/src/cli/main.ts',
  'packages/eventlake/src/engine/duckdb/data-engine.ts',
  'pipelines/user-events/src/index.ts',
];

test('no file that nothing imports', () => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const visit = (path: string) => {
    const source = byPath.get(path);
    if (!source || reached.has(path)) return;
    reached.add(path);
    for (const { target } of source.imports) if (target) visit(target);
  };
  for (const entry of ENTRIES) visit(entry);
  expect(written.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});

test('no file outgrows a screenful of screens', () => {
  const tooLong = written.filter(({ text }) => text.split('\n').length > 450).map(({ path }) => path);
  expect(tooLong).toEqual([]);
});

test('files are small: the median has at most 150 lines', () => {
  const lengths = written.map(({ text }) => text.split('\n').length).sort((a, b) => a - b);
  expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(150);
});
