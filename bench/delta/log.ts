/** One case of delta-log.ts, in a process of its own; prints its figures. */
import { createTable, localStore, openTable, struct, type Table } from '../../packages/delta/dist/index.js';

const [name, root] = process.argv.slice(2) as [string, string];
const store = localStore(root);
const FILES = 100_000;
const COMMITS = 1_000;

/** What a file of an event table has: statistics of ten columns. */
const COLUMNS = ['event_id', 'user_id', 'event_type', 'page', 'timestamp', 'source', 'a', 'b', 'c', 'd'];
const schema = struct(Object.fromEntries(COLUMNS.map((column) => [column, 'string'])));

function file(i: number) {
  const bounds = (suffix: string) =>
    Object.fromEntries(
      COLUMNS.map((column) => [column, `${column}-${String(i).padStart(8, '0')}-${suffix}`]),
    );
  const stats = {
    numRecords: 1000,
    minValues: bounds('a'),
    maxValues: bounds('z'),
    nullCount: Object.fromEntries(COLUMNS.map((column) => [column, 0])),
  };
  return {
    path: `part-${String(i).padStart(36, '0')}.snappy.parquet`,
    partitionValues: {},
    size: 100_000 + i,
    modificationTime: 1_700_000_000_000 + i,
    dataChange: true,
    stats: JSON.stringify(stats),
  };
}

async function filled(path: string, properties: Record<string, string>): Promise<Table> {
  const table = await createTable(store, path, { schema, properties });
  for (let from = 0; from < FILES; from += 10_000) {
    await table.commit({ operation: 'WRITE', add: Array.from({ length: 10_000 }, (_, i) => file(from + i)) });
  }
  return table;
}

const cases: Record<string, () => Promise<() => Promise<unknown>>> = {
  async prepare() {
    const properties = { 'delta.checkpointInterval': '1000000' };
    const commits = await createTable(store, 'commits', { schema, properties });
    for (let i = 1; i < COMMITS; i++) await commits.commit({ operation: 'WRITE', add: [file(i)] });
    await (await filled('files', properties)).checkpoint();
    await (await filled('files-v2', { ...properties, 'delta.checkpointPolicy': 'v2' })).checkpoint();
    return async () => {};
  },
  async 'snapshot-1000-commits'() {
    return async () => (await openTable(store, 'commits')).snapshot();
  },
  async 'snapshot-100000-files'() {
    return async () => (await openTable(store, 'files')).snapshot();
  },
  async checkpoint() {
    const table = await openTable(store, 'files');
    return () => table.checkpoint();
  },
  async 'checkpoint-v2'() {
    const table = await openTable(store, 'files-v2');
    return () => table.checkpoint();
  },
};

const run = await cases[name]!();
const cpu = process.cpuUsage();
const from = performance.now();
await run();
const ms = performance.now() - from;
const { user, system } = process.cpuUsage(cpu);
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ ms, cpuMs: (user + system) / 1000, peakRssBytes })}\n`);
