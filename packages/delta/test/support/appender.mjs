// Appends files to a table as a process of its own: node appender.mjs <root> <table> <name> <count>
import { localStore, openTable } from '@eventlake/delta';

const [root, path, name, count] = process.argv.slice(2);
const table = await openTable(localStore(root), path);
for (let i = 0; i < Number(count); i++) {
  const add = {
    path: `${name}-${i}.parquet`,
    partitionValues: {},
    size: 1,
    modificationTime: Date.now(),
    dataChange: true,
    stats: '{"numRecords":1}',
  };
  const result = await table.commit({ operation: 'WRITE', add: [add], txn: { appId: name, version: i } });
  if (result.status !== 'committed') throw new Error(JSON.stringify(result));
}
