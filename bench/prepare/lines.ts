/**
 * Writes a log's records as lines for DuckDB: partition, offset, append time, JSON.
 *
 * `jiti bench/prepare/lines.ts <log folder> <file>`
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import userEvents from '@eventlake/user-events';
import { openEmbeddedLog } from '../../packages/eventlake/dist/log/embedded-log.js';

const [dir, file] = [process.argv[2]!, process.argv[3]!];
const UNREADABLE = ['\n', '\r', '\0', '\u0001', '\ufffd'];

const log = await openEmbeddedLog({ dir });
const { topic } = userEvents.event;
const lines = createWriteStream(file);
for (const { partition, startOffset, endOffset } of (await log.topic(topic)).partitions) {
  for await (const block of log.read(topic, { partition, from: startOffset, to: endOffset })) {
    let text = '';
    for (let i = 0; i < block.count; i++) {
      const json = Buffer.from(block.values.subarray(block.bounds[i]!, block.bounds[i + 1]!)).toString(
        'utf8',
      );
      // The line reader of DuckDB cannot take these; they are malformed records, and left out on its side.
      if (UNREADABLE.some((character) => json.includes(character))) continue;
      text += `${partition}\u0001${block.offsets[i]}\u0001${block.timestampsMs[i]}\u0001${json}\n`;
    }
    if (!lines.write(text)) await once(lines, 'drain');
  }
}
lines.end();
await once(lines, 'finish');
await log.close();
