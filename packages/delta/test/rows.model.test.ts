import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createTable,
  memoryStore,
  openTable,
  type Predicate,
  type Row,
  required,
  struct,
  type Table,
} from '../src/index.js';
import { canonicalRows } from './support/rows.js';

/** What the table must be, in the simplest way that it can be said. */
class Model {
  rows: Row[] = [];

  matches(where: Predicate, row: Row): boolean {
    if ('and' in where) return where.and.every((term) => this.matches(term, row));
    if (!('value' in where)) return 'op' in where && where.op === 'is null' && row[where.column] === null;
    const own = row[where.column] as number | bigint | null;
    const value = where.value as number;
    if (own === null) return false;
    return where.op === '=' ? String(own) === String(value) : where.op === '<' ? own < value : own >= value;
  }
}

const SCHEMA = struct({ id: required('long'), part: 'string', n: 'integer', text: 'string' });

type Step =
  | { kind: 'append' | 'overwrite'; rows: Row[] }
  | { kind: 'delete'; where: Predicate }
  | { kind: 'update'; where: Predicate; n: number }
  | { kind: 'replace'; part: string; rows: Row[] }
  | { kind: 'merge'; rows: Row[]; bySource: boolean };

const row = fc.record({
  id: fc.bigInt(0n, 30n),
  part: fc.constantFrom('a', 'b', 'ü/=%', null),
  n: fc.option(fc.integer({ min: 0, max: 20 })),
  text: fc.option(fc.string({ unit: 'grapheme', maxLength: 40 })),
});
const rows = fc.array(row, { maxLength: 12 });
const distinct = fc.uniqueArray(row, { maxLength: 12, selector: ({ id }) => id });
const where: fc.Arbitrary<Predicate> = fc.oneof(
  fc.record({
    column: fc.constant('n'),
    op: fc.constantFrom('<' as const, '>=' as const, '=' as const),
    value: fc.nat(20),
  }),
  fc.record({
    column: fc.constant('id'),
    op: fc.constantFrom('<' as const, '>=' as const),
    value: fc.nat(30),
  }),
  fc.constant({ column: 'part', op: '=' as const, value: 'a' }),
  fc.constantFrom({ column: 'n', op: 'is null' as const }, { column: 'part', op: 'is null' as const }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), rows }),
  fc.record({ kind: fc.constant('overwrite' as const), rows }),
  fc.record({ kind: fc.constant('delete' as const), where }),
  fc.record({ kind: fc.constant('update' as const), where, n: fc.nat(20) }),
  fc.record({
    kind: fc.constant('replace' as const),
    part: fc.constantFrom('a', 'b'),
    rows,
  }),
  fc.record({ kind: fc.constant('merge' as const), rows: distinct, bySource: fc.boolean() }),
);

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
  test('holds what a list of rows would hold, after any operations, in every version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const store = memoryStore();
        const table = await createTable(store, 't', { schema: SCHEMA, ...init });
        const model = new Model();
        const versions: string[][] = [[]];
        for (const [i, one] of steps.entries()) {
          const before = (await table.snapshot()).version;
          const { version } = await apply(table, model, one, i);
          const now = canonicalRows(model.rows);
          expect(version === before || version === before + 1).toBe(true);
          versions[version] = now;
          expect(canonicalRows(await table.scan().toArray())).toEqual(now);
          const snapshot = await table.snapshot();
          expect(snapshot.recordCount).toBe(model.rows.length);
        }
        const again = await openTable(store, 't');
        for (const [version, expected] of versions.entries()) {
          expect(canonicalRows(await again.scan({ version }).toArray())).toEqual(expected);
        }
        if (init.properties?.['delta.enableChangeDataFeed']) await checkChanges(again, versions);
      }),
      { numRuns: 40 },
    );
  });
});

/** Whoever follows the changes has the same rows in every version. */
async function checkChanges(table: Table, versions: readonly string[][]): Promise<void> {
  const counts = new Map<string, number>();
  let version = 0n;
  const check = (): void => {
    const rows = [...counts].flatMap(([text, count]) => new Array<string>(count).fill(text));
    expect(rows.sort()).toEqual(versions[Number(version)]);
  };
  for await (const { _change_type: type, _commit_version, _commit_timestamp, ...row } of table.changes({
    fromVersion: 0,
  })) {
    for (; version < (_commit_version as bigint); version++) check();
    expect(Date.parse(_commit_timestamp as string)).toBeGreaterThan(0);
    const [text] = canonicalRows([row]);
    const by = type === 'insert' || type === 'update_postimage' ? 1 : -1;
    counts.set(text!, (counts.get(text!) ?? 0) + by);
  }
  check();
}

async function apply(
  table: Awaited<ReturnType<typeof createTable>>,
  model: Model,
  one: Step,
  i: number,
): Promise<{ version: number }> {
  switch (one.kind) {
    case 'append':
      model.rows.push(...one.rows);
      return table.append(one.rows);
    case 'overwrite':
      model.rows = [...one.rows];
      return table.overwrite(one.rows);
    case 'delete': {
      const kept = model.rows.filter((r) => !model.matches(one.where, r));
      const result = await table.delete({ where: one.where });
      expect(result.rowsDeleted).toBe(model.rows.length - kept.length);
      model.rows = kept;
      return result;
    }
    case 'update': {
      let count = 0;
      model.rows = model.rows.map((r) => {
        if (!model.matches(one.where, r)) return r;
        count++;
        return { ...r, n: one.n, text: `${r.id}` };
      });
      const result = await table.update({ where: one.where, set: { n: one.n, text: (r) => `${r.id}` } });
      expect(result.rowsUpdated).toBe(count);
      return result;
    }
    case 'replace': {
      const fresh = one.rows.map((r) => ({ ...r, part: one.part }));
      model.rows = [...model.rows.filter((r) => r.part !== one.part), ...fresh];
      return table.overwrite(fresh, { where: { column: 'part', op: '=', value: one.part } });
    }
    case 'merge': {
      const byId = new Map(one.rows.map((r) => [r.id, r]));
      const old = new Set(model.rows.map((r) => r.id));
      const kept = one.bySource ? model.rows.filter((r) => byId.has(r.id)) : model.rows;
      model.rows = [
        ...kept.map((r) => (byId.has(r.id) ? { ...byId.get(r.id) } : r)),
        ...one.rows.filter((r) => !old.has(r.id)),
      ];
      return table.merge(one.rows, {
        on: ['id'],
        ...(one.bySource && { whenNotMatchedBySource: 'delete' as const }),
        ...(i % 2 === 1 && { whenMatched: (_: Row, source: Row) => source }),
      });
    }
  }
}
