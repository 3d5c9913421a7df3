// What happens on a disk that fills up: node fill-disk.mjs <folder on a small disk>
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../../packages/eventlake/dist/log/embedded-log.js';
import { recordBatch } from '../../../packages/eventlake/dist/log/record-batch.js';

const [disk] = process.argv.slice(2);
const filler = join(disk, 'filler');
writeFileSync(filler, Buffer.alloc(40_000_000));
const open = () => openEmbeddedLog({ dir: join(disk, 'log') });
let log = await open();
await log.createTopic('topic', { partitions: 1, retentionBytesMax: 5_000_000 });
const batch = recordBatch([{ value: 'x'.repeat(100_000) }]);
const failures = [];
let acknowledged = 0;

async function append() {
  try {
    await log.append('topic', batch);
    acknowledged++;
    return true;
  } catch ({ kind, message, where, hint }) {
    failures.push({ kind, message, where, hint });
    return false;
  }
}

async function appendUntilItFails(max) {
  const before = acknowledged;
  for (let i = 0; i < max && (await append()); i++);
  return acknowledged - before;
}

const seen = { untilFull: await appendUntilItFails(10_000) };
await Promise.all([append(), append(), append()]);
seen.stillFull = failures.length;
// What makes room, and what says how far somebody is, works on a full disk.
await log.commitPositions('consumer', 'topic', [acknowledged]);
seen.removed = (await log.enforceRetention('topic')).removedRecords;
seen.afterRetention = await appendUntilItFails(10);
await appendUntilItFails(10_000);
rmSync(filler);
seen.afterFreeing = await appendUntilItFails(50);
await log.close();

log = await open();
const { startOffset, endOffset } = (await log.topic('topic')).partitions[0];
seen.lost = acknowledged - endOffset;
for await (const block of log.read('topic', { partition: 0, from: startOffset, to: endOffset })) {
  if (block.values.some((byte) => byte !== 120)) throw new Error('other bytes came back');
}
await log.close();
process.stdout.write(JSON.stringify({ seen, failures }));
