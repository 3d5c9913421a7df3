import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTable, memoryStore, openTable, type Table } from '../src/index.js';
import { canonicalRows } from './support/rows.js';
import { apply, Model, padded, SCHEMA, step } from './support/rows-model.js';

const KINDS: [string, { properties?: Record<string, string>; partitionBy?: string[] }][] = [
  ['plain', {}],
  ['partitioned', { partitionBy: ['part'] }],
  ['with deletion vectors', { properties: { 'delta.enableDeletionVectors': 'true' } }],
  [
    'partitioned, with deletion vectors and a change data feed',
    {
      properties: { 'delta.enableDeletionVectors': 'true', 'delta.enableChangeDataFeed': 'true' },
      partitionBy: ['part'],
    },
  ],
  ['with a change data feed', { properties: { 'delta.enableChangeDataFeed': 'true' } }],
];

describe.each(KINDS)('a table %s', (_, init) => {
  test('holds what a list of rows would hold, after any operations of two writers, in every version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const store = memoryStore();
        const table = await createTable(store, 't', { schema: SCHEMA, ...init });
        const other = await openTable(store, 't');
        const model = new Model();
        for (const [i, one] of steps.entries()) {
          const { version: before } = await table.snapshot();
          const [own, others] = i % 2 ? [table, other] : [other, table];
          const { version } = await apply(own, others, model, one, i);
          // Of two appends at once either may have been first.
          if (version === before + 2) {
            expect(one.kind).toBe('together');
            const { rows, columns } = model;
            model.rows = await table.scan({ version: before + 1 }).toArray();
            model.land(before + 1);
            model.restore({ rows, columns });
          } else expect(version - before).toBeLessThan(2);
          if (version > before) model.land(version);
          expect((await table.snapshot()).recordCount).toBe(model.rows.length);
        }
        const again = await openTable(store, 't');
        for (const [version, { rows, columns }] of model.versions.entries()) {
          const { schema } = await again.snapshot({ version });
          expect(schema.fields.map(({ name }) => name)).toEqual(columns);
          const found = await again.scan({ version }).toArray();
          expect(canonicalRows(found)).toEqual(canonicalRows(padded(rows, columns)));
        }
        if (init.properties?.['delta.enableChangeDataFeed']) await checkChanges(again, model);
      }),
      { numRuns: 40 },
    );
  });
});
/** Whoever follows the changes has the same rows in every version. */
async function checkChanges(table: Table, { versions }: Model): Promise<void> {
  const columns = ['id', 'part', 'n', 'text'];
  const counts = new Map<string, number>();
  let version = 0n;
  const check = (): void => {
    const rows = [...counts].flatMap(([text, count]) => new Array<string>(count).fill(text));
    expect(rows.sort()).toEqual(canonicalRows(padded(versions[Number(version)]!.rows, columns)));
  };
  for await (const { _change_type: type, _commit_version, _commit_timestamp, ...row } of table.changes({
    fromVersion: 0,
  })) {
    for (; version < (_commit_version as bigint); version++) check();
    expect(Date.parse(_commit_timestamp as string)).toBeGreaterThan(0);
    const [text] = canonicalRows(padded([row], columns));
    const by = type === 'insert' || type === 'update_postimage' ? 1 : -1;
    counts.set(text!, (counts.get(text!) ?? 0) + by);
  }
  check();
}
