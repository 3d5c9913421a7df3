import { join } from 'node:path';
import { localStore, type Store } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { expect } from 'vitest';
import { openDuckDbEngine } from '../../../packages/eventlake/src/engine/duckdb/engine.js';
import type { EngineSession } from '../../../packages/eventlake/src/engine/engine.js';
import { deltaTables, servingTables } from '../../../packages/eventlake/src/schema/tables.js';
import { run } from '../../cli/eventlake.js';
import { ENV, withLog } from './folder.js';

/** When a row was made, and in which batch: a crash cuts batches elsewhere. */
const MAY_DIFFER = ['ingestion_timestamp', 'processed_timestamp', 'updated_at', 'log_batch'];

/** Every table of a folder, Delta's and ClickHouse's: its rows, sorted, without what may differ. */
export async function tablesOf(
  dataDir: string,
  { store, env = {} }: { store?: Store; env?: Record<string, string> } = {},
): Promise<Map<string, string[]>> {
  return new Map([...(await lakeOf(dataDir, store)), ...(await clickhouseOf(dataDir, env))]);
}

export function expectSame(
  actual: ReadonlyMap<string, string[]>,
  undisturbed: ReadonlyMap<string, string[]>,
): void {
  expect([...actual.keys()].sort()).toEqual([...undisturbed.keys()].sort());
  for (const [name, rows] of actual) {
    const others = new Set(undisturbed.get(name));
    const own = new Set(rows);
    const apart = {
      rows: rows.length,
      onlyHere: rows.filter((row) => !others.has(row)).slice(0, 3),
      onlyUndisturbed: undisturbed
        .get(name)!
        .filter((row) => !own.has(row))
        .slice(0, 3),
    };
    expect(apart, name).toEqual({
      rows: undisturbed.get(name)!.length,
      onlyHere: [],
      onlyUndisturbed: [],
    });
  }
}

async function lakeOf(
  dataDir: string,
  store = localStore(join(dataDir, 'lakehouse')),
): Promise<Map<string, string[]>> {
  return withLog(dataDir, async (log) => {
    const engine = await openDuckDbEngine({ store, log, dataDir, memoryMb: 384, threads: 2 });
    const session = await engine.open();
    const tables = new Map<string, string[]>();
    try {
      for (const { name } of deltaTables(pipeline)) tables.set(name, await rowsOf(session, name));
    } finally {
      await session.close();
      await engine.close();
    }
    return tables;
  });
}

async function rowsOf(session: EngineSession, name: string): Promise<string[]> {
  const table = deltaTables(pipeline).find((one) => one.name === name)!;
  const { fold } = pipeline.gold.find((one) => one.name === name) ?? {};
  const columns = table.columns.map((column) => column.name).filter((one) => !MAY_DIFFER.includes(one));
  await session.readTable('increments', name);
  // Rollups as they add up: they may be folded or not.
  const sql = fold ?? `SELECT ${columns.join(', ')} FROM increments`;
  return (await session.query(sql)).map((row) => JSON.stringify(row)).sort();
}

/** In one query, since the embedded ClickHouse takes a while to start. */
async function clickhouseOf(dataDir: string, env: Record<string, string>): Promise<Map<string, string[]>> {
  const live = [...pipeline.live.tables, pipeline.live.late].map(({ name, by, count }) => {
    const groups = ['window_start', 'window_end', ...by].join(', ');
    return `SELECT '${name}' AS name, toString((${groups}, sum(${count}))) AS row FROM ${name} GROUP BY ${groups}`;
  });
  const mirrors = servingTables(pipeline).map(({ name, columns }) => {
    const kept = columns.map((column) => column.name).filter((one) => !MAY_DIFFER.includes(one));
    return `SELECT '${name}' AS name, toString((${kept.join(', ')})) AS row FROM ${name}`;
  });
  const sql = [...live, ...mirrors].join('\nUNION ALL\n');
  const { code, stdout, stderr } = await run(
    ['query', sql, '--format', 'JSONEachRow', '--data-dir', dataDir],
    { env: { ...ENV, ...env } },
  );
  expect(code, stderr).toBe(0);
  const tables = new Map<string, string[]>();
  for (const line of stdout.split('\n').filter(Boolean)) {
    const { name, row } = JSON.parse(line) as { name: string; row: string };
    tables.set(name, [...(tables.get(name) ?? []), row]);
  }
  for (const rows of tables.values()) rows.sort();
  return tables;
}
