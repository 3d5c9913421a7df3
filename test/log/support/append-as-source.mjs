// Appends the numbers from where the source stands to `until`, with positions and retention in between; as the consumer
// stays where it is, retention must not remove anything: node append-as-source.mjs <dir> <source> <until>
import { openEmbeddedLog } from '../../../packages/eventlake/dist/log/embedded-log.js';
import { recordBatch } from '../../../packages/eventlake/dist/log/record-batch.js';

const [dir, id, until] = process.argv.slice(2);
const log = await openEmbeddedLog({ dir });
process.stdout.write('begun\n');
let from = await log.sourcePosition('topic', id);
while ((from ?? 0) < Number(until)) {
  const first = from ?? 0;
  const to = Math.min(Number(until), first + 1 + (first % 40));
  const records = Array.from({ length: to - first }, (_, i) => ({
    key: `${i % 5}`,
    value: `${id}/${first + i}`,
  }));
  const result = await log.append('topic', recordBatch(records), { source: { id, from, to } });
  if (result.status !== 'appended') throw new Error(JSON.stringify(result));
  from = to;
  await log.commitPositions(
    id,
    'topic',
    (await log.topic('topic')).partitions.map(({ startOffset }) => startOffset),
  );
  await log.enforceRetention('topic');
}
await log.close();
