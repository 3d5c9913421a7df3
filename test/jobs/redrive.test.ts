import pipeline from '@eventlake/user-events';
import { expect, it } from 'vitest';
import {
  type QuarantinedRecord,
  quarantinedRecords,
  redrive,
} from '../../packages/eventlake/src/quarantine.js';
import { event } from './events.js';
import { landed, toSilver } from './gold.js';
import { openLake } from './lake.js';

it('records that had one place in a topic before and after it was made anew are redriven each, once', async () => {
  const lake = await openLake({ partitions: 1 });
  try {
    const { context } = lake;
    const { log, settings } = context;
    settings.onDataLoss = 'continue';
    const { topic } = pipeline.event;
    const rejected = (n: number) => event(n, { source: 'fridge' });
    await landed([rejected(1), '{"broken'])(lake);
    await log.deleteTopic(topic);
    await log.createTopic(topic, { partitions: 1 });
    await landed([rejected(2), '{"broken too'])(lake);
    await toSilver(lake);

    const all = () => quarantinedRecords(context, {}, 10);
    const records = await all();
    const placeOf = ({ partition, offset }: QuarantinedRecord) => `${partition}/${offset}`;
    expect(records.map(placeOf).sort()).toEqual(['0/0', '0/0', '0/1', '0/1']);
    for (const record of records) expect(await redrive(context, record)).toBe('appended');
    for (const record of await all()) expect(await redrive(context, record)).toBe('already-redriven');
    // Of a place that had one record only, the source is what it always was.
    const ids = records.map(({ sourceId }) => sourceId).sort();
    expect(ids).toEqual(['redrive/0/0', 'redrive/0/0/1', 'redrive/0/1', 'redrive/0/1/1']);
  } finally {
    await lake.close();
  }
});
