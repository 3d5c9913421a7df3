// A process of its own on a table of rows: node row-writer.mjs <role> <root> <table> <name> <runMs>
// Prints as JSON which versions it committed, how often it lost, and what a reader found wrong.
//
// Every append brings one batch of 10 rows (w, batch, i) and the next position of its writer. A merge gives all rows of
// some batches one new value `v`; a delete takes a whole batch away and says so in `txn(gone/<w>/<batch>)`. So in every
// snapshot each batch up to a writer's position is there with 10 rows and one value, or is gone and said to be.
import { DeltaError, localStore, openTable } from '@eventlake/delta';

const [role, root, path, name, runMs] = process.argv.slice(2);
const table = await openTable(localStore(root), path);
const report = { role, versions: [], lost: 0, looks: 0, wrong: [] };
const WRITERS = ['append-0', 'append-1', 'append-2'];
const any = (n) => Math.floor(Math.random() * n);
const batchOf = (w, batch, v) => Array.from({ length: 10 }, (_, i) => ({ w, batch, i, v }));

/** A batch that has been written. */
function someBatch(snapshot) {
  const w = WRITERS[any(WRITERS.length)];
  const position = snapshot.txn(w) ?? -1;
  return position < 0 ? null : { w, batch: any(position + 1) };
}

const roles = {
  async append(snapshot) {
    const batch = (snapshot.txn(name) ?? -1) + 1;
    return table.append(batchOf(name, batch, 0), { txn: { appId: name, version: batch } });
  },
  async merge(snapshot) {
    const found = someBatch(snapshot);
    if (!found) return null;
    const v = any(1_000_000);
    return table.merge(batchOf(found.w, found.batch, v), {
      on: ['w', 'batch', 'i'],
      whenNotMatched: 'ignore',
    });
  },
  async delete(snapshot) {
    const found = someBatch(snapshot);
    if (!found || snapshot.txn(`gone/${found.w}/${found.batch}`)) return null;
    const where = {
      and: [
        { column: 'w', op: '=', value: found.w },
        { column: 'batch', op: '=', value: found.batch },
      ],
    };
    return table.delete({ where, txn: { appId: `gone/${found.w}/${found.batch}`, version: 1 } });
  },
  async compact() {
    const result = await table.optimize({ targetBytes: 100_000, minFiles: 4 });
    if (result.status === 'conflict') report.lost++;
    return result;
  },
  async read() {
    const fresh = await openTable(localStore(root), path);
    for (const reader of [table, fresh]) await look(reader, await reader.snapshot());
    return null;
  },
};

async function look(reader, snapshot) {
  const { version } = snapshot;
  const batches = new Map();
  let rows = 0;
  try {
    for await (const row of reader.scan({ version })) {
      const key = `${row.w}/${row.batch}`;
      const batch = batches.get(key) ?? { indexes: new Set(), values: new Set() };
      batches.set(key, batch);
      batch.indexes.add(row.i);
      batch.values.add(row.v);
      rows++;
    }
  } catch (error) {
    // The log is cleaned under readers of older versions, which is what its retention says.
    if (error instanceof DeltaError && error.kind === 'no-such-version') return;
    throw error;
  }
  for (const w of WRITERS) {
    for (let batch = 0; batch <= (snapshot.txn(w) ?? -1); batch++) {
      const key = `${w}/${batch}`;
      const found = batches.get(key);
      const isGone = snapshot.txn(`gone/${key}`) !== undefined;
      const isWhole = found?.indexes.size === 10 && found.values.size === 1;
      if (isGone ? found : !isWhole)
        report.wrong.push({ version, key, isGone, rows: found?.indexes.size ?? 0 });
      batches.delete(key);
    }
  }
  if (batches.size > 0) report.wrong.push({ version, unknown: [...batches.keys()] });
  if (snapshot.recordCount !== rows) report.wrong.push({ version, rows, recordCount: snapshot.recordCount });
  report.looks++;
}

const end = Date.now() + Number(runMs);
while (Date.now() < end) {
  try {
    const result = await roles[role](await table.snapshot());
    if (result?.status === 'committed') report.versions.push(result.version);
    else await new Promise((resolve) => setTimeout(resolve, 5));
  } catch (error) {
    // A write says that it lost; nothing of it may be there.
    if (!(error instanceof DeltaError) || error.kind !== 'contention') throw error;
    report.lost++;
  }
}
await look(table, await table.snapshot());
process.stdout.write(JSON.stringify(report));
