/**
 * Fills a log with `count` events of the 30 days that end a day ago, 1 % of them duplicates, 0.1 % malformed, some late and
 * out of order.
 *
 * `jiti bench/prepare/log.ts <folder> <count>`
 */
import userEvents from '@eventlake/user-events';
import { openEmbeddedLog } from '../../packages/eventlake/dist/log/embedded-log.js';

const [dir, count] = [process.argv[2]!, Number(process.argv[3])];
const DAY_MS = 86_400_000;
const DAYS = 30;
const BATCH = 2_000;
const USERS = 50_000;

const log = await openEmbeddedLog({ dir });
const { topic } = userEvents.event;
await log.createTopic(topic, { partitions: 4 });
const endMs = Date.now() - DAY_MS;
const startMs = endMs - DAYS * DAY_MS;
const dials = { duplicates: 0.01, malformed: 0.001, late: 0.01, outOfOrder: 0.05 };
const shop = userEvents.simulate!({ seed: 1, startMs, users: USERS, ...dials });
// The next batch is made while the last one is on its way to the disk.
let onItsWay: Promise<unknown> = Promise.resolve();
for (let sent = 0; sent < count; sent += BATCH) {
  const untilMs = startMs + ((endMs - startMs) * (sent + BATCH)) / count;
  const records = shop.next(Math.min(BATCH, count - sent), untilMs);
  await onItsWay;
  onItsWay = log.append(topic, records);
}
await onItsWay;
await log.close();
