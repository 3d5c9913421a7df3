import userEvents from '@eventlake/user-events';
import { openEmbeddedLog } from '../../packages/eventlake/dist/log/embedded-log.js';

/** A prepared log as if nobody had read it. */
export async function rewind(logDir: string): Promise<void> {
  const log = await openEmbeddedLog({ dir: logDir });
  const { topic } = userEvents.event;
  const start = (await log.topic(topic)).partitions.map(({ startOffset }) => startOffset);
  for (const consumer of await log.consumers(topic)) await log.commitPositions(consumer, topic, start);
  await log.close();
}
