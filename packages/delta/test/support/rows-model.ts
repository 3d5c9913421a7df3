import fc from 'fast-check';
import { expect } from 'vitest';
import { column, type Predicate, type Row, required, struct, type Table } from '../../src/index.js';

/** What the table must be, in the simplest way that it can be said. */
export class Model {
  rows: Row[] = [];
  columns = ['id', 'part', 'n', 'text'];
  /** What each version was. */
  readonly versions: { rows: readonly Row[]; columns: readonly string[] }[] = [];
  private names = 0;

  constructor() {
    this.land(0);
  }

  land(version: number): void {
    this.versions[version] = { rows: [...this.rows], columns: [...this.columns] };
  }

  restore({ rows, columns }: { rows: readonly Row[]; columns: readonly string[] }): void {
    this.rows = [...rows];
    this.columns = [...columns];
  }

  /** Nobody gives it a value. */
  addColumn(): string {
    const name = `added${this.names++}`;
    this.columns.push(name);
    return name;
  }

  matches(where: Predicate, row: Row): boolean {
    if ('and' in where) return where.and.every((term) => this.matches(term, row));
    if (!('value' in where)) return 'op' in where && where.op === 'is null' && row[where.column] === null;
    const own = row[where.column] as number | bigint | null;
    const value = where.value as number;
    if (own === null) return false;
    return where.op === '=' ? String(own) === String(value) : where.op === '<' ? own < value : own >= value;
  }
}

export const SCHEMA = struct({ id: required('long'), part: 'string', n: 'integer', text: 'string' });

export type Step =
  | { kind: 'append' | 'overwrite'; rows: Row[] }
  | { kind: 'delete'; where: Predicate }
  | { kind: 'update'; where: Predicate; n: number }
  | { kind: 'replace'; part: string; rows: Row[] }
  | { kind: 'merge'; rows: Row[]; bySource: boolean }
  | { kind: 'together'; rows: Row[]; others: Row[] }
  | { kind: 'restore'; version: number }
  | { kind: 'optimize' | 'checkpoint' | 'add-column' };

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
export const step: fc.Arbitrary<Step> = fc.oneof(
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
  fc.record({ kind: fc.constant('together' as const), rows, others: rows }),
  fc.record({ kind: fc.constant('restore' as const), version: fc.nat(10) }),
  fc.record({ kind: fc.constantFrom('optimize' as const, 'checkpoint' as const, 'add-column' as const) }),
);

/** Rows with a null in every column that they lack, in the order of the columns. */
export function padded(rows: readonly Row[], columns: readonly string[]): Row[] {
  return rows.map((r) => Object.fromEntries(columns.map((name) => [name, r[name] ?? null])));
}

/** Does one step to the table and the model. @param other the same table, held by another writer */
export async function apply(
  table: Table,
  other: Table,
  model: Model,
  one: Step,
  i: number,
): Promise<{ version: number }> {
  switch (one.kind) {
    case 'together': {
      model.rows.push(...one.rows, ...one.others);
      const [a, b] = await Promise.all([table.append(one.rows), other.append(one.others)]);
      return a.version > b.version ? a : b;
    }
    case 'restore': {
      const version = one.version % model.versions.length;
      model.restore(model.versions[version]!);
      return table.restore({ version });
    }
    case 'optimize':
      return table.optimize();
    case 'checkpoint':
      return table.checkpoint();
    case 'add-column':
      return table.addColumn(column(model.addColumn(), 'integer'));
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
