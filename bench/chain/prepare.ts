/**
 * Fills a log with `count` events of 30 days, 1 % of them duplicates, 0.1 % malformed, some late and out of order, and
 * writes the same records as lines for DuckDB: partition, offset, append time, JSON.
 */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import userEvents from '@eventlake/user-events';
import { openEmbeddedLog } from '../../packages/eventlake/dist/log/embedded-log.js';

const [logDir, linesFile, count] = [process.argv[2]!, process.argv[3]!, Number(process.argv[4])];
const DAYS = 30;
const BATCH = 2_000;
const UNREADABLE = ['\n', '\r', '\0', '\u0001', '\ufffd'];

const log = await openEmbeddedLog({ dir: logDir });
const { topic } = userEvents.event;
await log.createTopic(topic, { partitions: 4 });
const endMs = Date.now();
const startMs = endMs - DAYS * 86_400_000;
const dials = { duplicates: 0.01, malformed: 0.001, late: 0.01, outOfOrder: 0.05 };
const shop = userEvents.simulate!({ seed: 1, startMs, users: 50_000, ...dials });
for (let sent = 0; sent < count; sent += BATCH) {
  const untilMs = startMs + ((endMs - startMs) * (sent + BATCH)) / count;
  await log.append(topic, shop.next(Math.min(BATCH, count - sent), untilMs));
}

const lines = createWriteStream(linesFile);
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
