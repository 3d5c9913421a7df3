import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localStore, type Snapshot, struct, type Table } from '../../src/index.js';
import { canonicalRows, clickHouseRows, plainSchema } from './canonical.js';
import { clickHouseColumns, described } from './clickhouse-types.js';
import type { Court } from './court.js';
import type { Sight } from './judge.js';
import { JUDGED } from './tables.js';

/** Tables that we wrote are what we say they are, for everybody. */
export function describeReading(court: Court): void {
  /** Each is written once, by the first test that asks. */
  const tables = new Map<string, Promise<Table>>();

  describe.each(JUDGED.map((table, i) => ({ ...table, path: `t${i}` })))('a table $name', (judged) => {
    const written = (): Promise<Table> => {
      const { path } = judged;
      if (!tables.has(path)) tables.set(path, judged.write(localStore(court.root), path));
      return tables.get(path)!;
    };
    const ours = async (table: Table): Promise<{ snapshot: Snapshot; rows: string[]; folder: string }> => {
      const snapshot = await table.snapshot();
      const rows = canonicalRows(await table.scan().toArray(), snapshot.schema);
      return { snapshot, rows, folder: join(court.root, table.path) };
    };

    for (const [name, judgeOf] of [
      ['Spark', () => court.spark],
      ['delta-rs', () => court.deltaRs],
    ] as const) {
      const refused = judged.refused?.[name];
      test(`is ${refused ? 'refused' : 'the same'} for ${name}: rows, schema, count, history`, async () => {
        const table = await written();
        const { snapshot, rows, folder } = await ours(table);
        if (refused) {
          await expect(judgeOf().look(folder)).rejects.toThrow(refused);
          return;
        }
        const sight = await judgeOf().look(folder);
        expect(sight.rows).toEqual(rows);
        expect(plainSchema(sight.schema)).toEqual(plainSchema(snapshot.schema));
        expect(sight.count).toBe(rows.length);
        const history = (await table.history())
          .map(({ version, operation }) => [version, operation])
          .reverse();
        expect(sight.history).toEqual(history);
      });
    }

    const refused = judged.refused?.ClickHouse;
    test(`is ${refused ? 'refused' : 'the same'} for ClickHouse: rows, columns and their types, count`, async () => {
      const { snapshot, rows, folder } = await ours(await written());
      if (refused) {
        await expect(court.clickHouse.look(folder)).rejects.toThrow(refused);
        return;
      }
      const hex = snapshot.schema.fields.flatMap(({ name, type }) => (type === 'binary' ? [name] : []));
      const sight = (await court.clickHouse.ask('look', { path: folder, hex })) as Sight;
      expect(clickHouseRows(sight.rows, snapshot.schema)).toEqual(rows);
      expect(described(sight.schema)).toEqual(clickHouseColumns(snapshot.schema));
      expect(sight.count).toBe(rows.length);
    });

    if (judged.changesFrom === undefined) return;
    test('has the same changes for Spark', async () => {
      const table = await written();
      const { snapshot, folder } = await ours(table);
      const found: Record<string, unknown>[] = [];
      for await (const change of table.changes({ fromVersion: judged.changesFrom! })) found.push(change);
      const more = struct({ _change_type: 'string', _commit_version: 'long' });
      const schema = struct({});
      schema.fields.push(...snapshot.schema.fields, ...more.fields);
      expect(await court.spark.ask('changes', { path: folder, from: judged.changesFrom })).toEqual(
        canonicalRows(found, schema),
      );
    });
  });
}
