// Appends records of 50 kB until one fails, then three at once; prints how many were acknowledged and what failed.
import { openEmbeddedLog } from '../../../packages/eventlake/dist/log/embedded-log.js';
import { recordBatch } from '../../../packages/eventlake/dist/log/record-batch.js';

const [dir] = process.argv.slice(2);
const batch = recordBatch([{ value: 'x'.repeat(50_000) }]);
const failures = [];
let acknowledged = 0;
const attempt = async (work) => {
  try {
    await work();
    return true;
  } catch ({ kind, message, where, hint }) {
    failures.push({ kind, message, where, hint });
    return false;
  }
};
let log;
const append = () =>
  attempt(async () => {
    await log.append('topic', batch);
    acknowledged++;
  });

if (
  await attempt(async () => {
    log = await openEmbeddedLog({ dir });
  })
) {
  await log.createTopic('topic', { partitions: 1 });
  while (await append());
  await Promise.all([append(), append(), append()]);
  await log.close();
}
process.stdout.write(JSON.stringify({ acknowledged, failures }));
