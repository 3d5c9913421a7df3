import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  localStore,
  openTable,
  type Row,
  type StructType,
  type Table,
  type TableOptions,
} from '../src/index.js';
import { memorySource, ParquetFile } from '../src/parquet/file.js';
import { readBatches, valueAt } from '../src/parquet/read.js';
import { toUser } from '../src/rows/values.js';
import { GOLDEN, hasGolden, unpackGolden } from './support/golden.js';
import { canonicalRows } from './support/rows.js';

/** Tables with the rows that their own engine read from them. */
const WITH_ROWS = [
  '125-iterator-bug',
  'basic-decimal-table',
  'basic-with-inserts-merge',
  'basic-with-inserts-updates',
  'data-reader-array-primitives',
  'data-reader-date-types-Asia',
  'data-reader-date-types-Iceland',
  'data-reader-date-types-Pst',
  'data-reader-escaped-chars',
  'data-reader-nested-struct',
  'data-reader-partition-values',
  'data-reader-timestamp_ntz',
  'data-reader-timestamp_ntz-id-mode',
  'data-skipping-basic-stats-all-types',
  'data-skipping-basic-stats-all-types-columnmapping-id',
  'data-skipping-partition-and-data-column',
  'deltalog-getChanges',
  'dv-partitioned-with-checkpoint',
  'kernel-timestamp-pst',
  'kernel-timestamp-timestamp_millis',
  'log-replay-latest-metadata-protocol',
  'multi-part-checkpoint',
  'only-checkpoint-files',
  'parquet-all-types',
  'parquet-decimal-dictionaries-v2',
  'parquet-decimal-type',
  'snapshot-data1',
  'snapshot-data2',
  'snapshot-repartitioned',
  'table-with-columnmapping-mode-id',
  'time-travel-partition-changes-a',
  'time-travel-schema-changes-a',
  'time-travel-start',
  'time-travel-start-start20-start40',
  'v2-checkpoint-json',
];

/** Its partition timestamps have no zone, and its writer was in California. */
const OPTIONS: Record<string, TableOptions> = {
  'data-reader-partition-values': { partitionTimeZone: 'America/Los_Angeles' },
};

/** Logs without data files: the files of the newest version; rows cannot be had. */
const WITH_FILES: Record<string, string[]> = {
  checkpoint: ['15'],
  'delete-re-add-same-file-different-transactions': ['bar', 'foo'],
  'log-replay-special-characters-b': ['special%20p@%23h'],
  // Their only file is removed by another spelling of its path.
  'canonicalized-paths-normal-a': [],
  'canonicalized-paths-special-a': [],
};

/** Logs that no reader may accept, and why. */
const REFUSED: Record<string, RegExp> = {
  // One path climbs out of the table; besides, there is no metadata.
  'data-reader-absolute-paths-escaped-chars': /names a path outside the table: "\.\.\/\/Users/,
  'deltalog-state-reconstruction-from-checkpoint-missing-metadata': /no metadata up to version 10/,
  'deltalog-state-reconstruction-without-metadata': /no metadata up to version 0/,
  'versions-not-contiguous': /gap: version 1 is missing before 2/,
};

/** Several tables in one archive, without expected rows: what the connectors' own Hive tests say they hold. */
const ten = (row: (i: number) => Row): Row[] => Array.from({ length: 10 }, (_, i) => row(i));
const HIVE: Record<string, Row[]> = {
  'deltatbl-column-names-case-insensitive': ten((i) => ({ FooBar: i, BarFoo: `foo${i % 2}` })),
  'deltatbl-deleted-path': ten((i) => ({ c1: i, c2: `foo${i % 2}` })),
  'deltatbl-incorrect-format-config': ten((i) => ({ a: i, b: `foo${i % 2}` })),
  'deltatbl-map-types-correctly': [
    {
      ...{ c1: 97, c2: Uint8Array.of(98, 99), c3: true, c4: 4, c5: 5n, c6: 'foo', c7: 6, c8: 7, c9: 8 },
      c10: '1970-01-01',
      c11: '1970-01-01T16:40:00.000000Z',
      c12: '12345.678900000000794535',
      c13: ['foo', 'bar'],
      c14: new Map([['foo', 123n]]),
      c15: { f1: 'foo', f2: 456n },
    },
  ],
  'deltatbl-non-partitioned': ten((i) => ({ c1: i, c2: `foo${i % 2}` })),
  'deltatbl-not-allow-write': ten((i) => ({ a: i, b: `foo${i % 2}` })),
  'deltatbl-partition-prune': [
    { city: 'hz', date: '20180520', name: 'Jim', cnt: 3 },
    { city: 'hz', date: '20180718', name: 'Jone', cnt: 7 },
    { city: 'bj', date: '20180520', name: 'Trump', cnt: 1 },
    { city: 'sh', date: '20180512', name: 'Jay', cnt: 4 },
    { city: 'sz', date: '20181212', name: 'Linda', cnt: 8 },
  ],
  'deltatbl-partitioned': ten((i) => ({ c1: i, c2: `foo${i % 2}` })),
  'deltatbl-schema-match': ten((i) => ({ a: i, b: `foo${i % 2}`, c: `test${i % 3}` })),
  'deltatbl-special-chars-in-partition-column': ten((i) => ({ c1: i, c2: `+ =%${i % 2}` })),
  'deltatbl-touch-files-needed-for-partitioned': ten((i) => ({ c1: i, c2: `foo${i % 2}` })),
};

describe.skipIf(!hasGolden)(`golden tables (skipped where ${GOLDEN} is not)`, () => {
  test('every archive is spoken for', () => {
    const archives = readdirSync(GOLDEN).flatMap((file) => file.match(/^(.*)\.tar\.zst$/)?.[1] ?? []);
    expect(archives.sort()).toEqual(
      [...WITH_ROWS, ...Object.keys(WITH_FILES), ...Object.keys(REFUSED), 'hive'].sort(),
    );
  });

  // One of them has a million rows.
  test.each(WITH_ROWS)('%s reads back to its expected rows', { timeout: 300_000 }, async (name) => {
    const { table, folder } = await openGolden(name);
    const { schema, recordCount } = await table.snapshot();
    const rows = await table.scan().toArray();
    const expected = await expectedRows(join(folder, name, 'expected'), schema);
    expect(rows.length).toBe(expected.length);
    expectSame(rows, expected);
    expect(await table.scan().count()).toBe(expected.length);
    if (recordCount !== undefined) expect(recordCount).toBe(expected.length);
  });

  test.each(Object.entries(WITH_FILES))(
    '%s has the files %j, and says that they are gone',
    async (name, files) => {
      const { table } = await openGolden(name);
      expect(
        (await table.snapshot())
          .files()
          .map((file) => file.path)
          .sort(),
      ).toEqual(files);
      const rows = table.scan().toArray();
      if (files.length === 0) expect(await rows).toEqual([]);
      else await expect(rows).rejects.toThrow(/^The table has the file .*, and the store does not$/);
    },
  );

  test.each(Object.entries(REFUSED))('%s is refused', async (name, reason) => {
    await expect(openGolden(name)).rejects.toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringMatching(reason) }),
    );
  });

  test.each(Object.entries(HIVE))('hive/%s reads back to its rows', async (name, rows) => {
    const { table } = await openGolden('hive', name);
    expect(canonicalRows(await table.scan().toArray())).toEqual(canonicalRows(rows));
  });

  test.each([
    ['time-travel-start-start20-start40', [10, 20, 30]],
    ['snapshot-repartitioned', [10, 20, 10, 30, 20, 20]],
    ['basic-with-inserts-updates', [100, 100]],
  ])('%s has had %j rows, version by version', async (name, counts) => {
    const { table } = await openGolden(name);
    const found = [];
    for (let version = 0; version <= (await table.snapshot()).version; version++) {
      found.push((await table.scan({ version }).toArray()).length);
    }
    expect(found).toEqual(counts);
  });
});

async function openGolden(name: string, inner = ''): Promise<{ table: Table; folder: string }> {
  const { folder, remove } = await unpackGolden(name);
  onTestFinished(remove);
  const path = inner ? `${name}/delta/${inner}` : `${name}/delta`;
  return { table: await openTable(localStore(folder), path, OPTIONS[name]), folder };
}

/** `toEqual` takes minutes for a million rows. */
function expectSame(rows: readonly Row[], expected: readonly Row[]): void {
  const found = canonicalRows(rows);
  const wanted = canonicalRows(expected);
  const at = wanted.findIndex((row, i) => row !== found[i]);
  expect(found[at]).toBe(wanted[at]);
}

async function expectedRows(folder: string, schema: StructType): Promise<Row[]> {
  if (!existsSync(folder)) throw new Error(`no expected rows in ${folder}`);
  const convert = toUser(schema);
  const rows: Row[] = [];
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.parquet'))) {
    const file = await ParquetFile.open(memorySource(name, readFileSync(join(folder, name))));
    for await (const { rowCount, columns } of readBatches(file, schema)) {
      for (let i = 0; i < rowCount; i++) {
        const row = schema.fields.map((field, c) => [field.name, valueAt(columns[c]!, i, field)] as const);
        rows.push(convert(Object.fromEntries(row)) as Row);
      }
    }
  }
  return rows;
}
