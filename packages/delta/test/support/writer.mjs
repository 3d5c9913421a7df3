// A process of its own on a table: node writer.mjs <role> <root> <table> <name> <runMs>
// Prints as JSON which versions it committed, how often it lost, and what a reader found wrong.
//
// Every append brings 10 rows and the next position of its writer; a delete moves the position `deleted` by a tenth of
// the rows it removes. So every snapshot must have 10 × (all positions of appenders + 1 each − `deleted`) rows.
import { compaction, localStore, openTable, planCompaction, s3Store } from '@eventlake/delta';

const [role, root, path, name, runMs] = process.argv.slice(2);
// On S3 the credentials come from the environment, by the SDK's own chain.
const store = root.startsWith('s3:')
  ? await s3Store(root, { endpoint: process.env.TEST_S3_ENDPOINT, requestTimeoutMs: 5000 })
  : localStore(root);
const table = await openTable(store, path);
const report = { role, versions: [], lost: 0, looks: 0, wrong: [] };
let files = 0;

const file = (rows, more = {}) => ({
  path: `${name}-${files++}.parquet`,
  partitionValues: {},
  size: rows,
  modificationTime: Date.now(),
  dataChange: true,
  stats: JSON.stringify({ numRecords: rows }),
  ...more,
});
const rowsOf = (list) => list.reduce((total, { stats }) => total + JSON.parse(stats).numRecords, 0);

const roles = {
  async append() {
    const position = (await table.snapshot()).txn(name) ?? -1;
    return {
      operation: 'WRITE',
      add: [file(10)],
      txn: { appId: name, version: position + 1, expected: position < 0 ? null : position },
    };
  },
  async compact() {
    const snapshot = await table.snapshot();
    const groups = planCompaction(snapshot, { targetBytes: 1000, minFiles: 4 });
    if (groups.length === 0) return null;
    return compaction(
      snapshot,
      groups.map((group) => ({ files: group.files, added: [file(rowsOf(group.files))] })),
    );
  },
  async delete() {
    const snapshot = await table.snapshot();
    const victim = snapshot.files()[0];
    if (!victim) return null;
    const position = snapshot.txn('deleted') ?? 0;
    const txn = { appId: 'deleted', version: position + rowsOf([victim]) / 10 };
    return { operation: 'DELETE', readVersion: snapshot.version, remove: [victim], read: 'none', txn };
  },
  async merge() {
    const snapshot = await table.snapshot();
    const victim = snapshot.files()[0];
    if (!victim) return null;
    return {
      operation: 'MERGE',
      readVersion: snapshot.version,
      remove: [victim],
      add: [file(rowsOf([victim]))],
    };
  },
  async read() {
    const fresh = await openTable(store, path);
    for (const snapshot of [await table.snapshot(), await fresh.snapshot()]) {
      let expected = 0;
      for (const [appId, { version }] of snapshot.txns)
        expected += appId === 'deleted' ? -version : version + 1;
      if (snapshot.recordCount !== expected * 10) {
        report.wrong.push({ version: snapshot.version, rows: snapshot.recordCount, expected: expected * 10 });
      }
      report.looks++;
    }
    return null;
  },
};

const end = Date.now() + Number(runMs);
while (Date.now() < end) {
  const change = await roles[role]();
  if (change === null) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    continue;
  }
  const result = await table.commit(change);
  if (result.status === 'committed') report.versions.push(result.version);
  else report.lost++;
}
process.stdout.write(JSON.stringify(report));
