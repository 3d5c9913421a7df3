/**
 * Fills the topic with what it lacks of `count` events of the 30 days that end a day ago, 1 % of them duplicates, 0.1 %
 * malformed, some late and out of order: `jiti bench/spark/fill.ts <brokers> <count>`
 */
import userEvents from '@eventlake/user-events';
import { openLog, provideTopic } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';

const [brokers, count] = [process.argv[2]!, Number(process.argv[3])];
const DAY_MS = 86_400_000;
const DAYS = 30;
const BATCH = 2_000;

const env = { EVENTLAKE_LOG_KAFKA_BROKERS: brokers };
const { settings } = await loadSettings({ cwd: process.cwd(), env });
const log = await openLog(settings);
const { topic } = userEvents.event;
await provideTopic(log, topic, settings);
const { partitions } = await log.topic(topic);
const present = partitions.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
const endMs = Date.now() - DAY_MS;
const startMs = endMs - DAYS * DAY_MS;
const dials = { duplicates: 0.01, malformed: 0.001, late: 0.01, outOfOrder: 0.05 };
const shop = userEvents.simulate!({ seed: 1 + present, startMs, users: 50_000, ...dials });
// The next batch is made while the last one is on its way.
let onItsWay: Promise<unknown> = Promise.resolve();
for (let sent = present; sent < count; sent += BATCH) {
  const untilMs = startMs + ((endMs - startMs) * (sent + BATCH)) / count;
  const records = shop.next(Math.min(BATCH, count - sent), untilMs);
  await onItsWay;
  onItsWay = log.append(topic, records);
}
await onItsWay;
await log.close();
