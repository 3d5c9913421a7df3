import { boolean, defineEvent, definePipeline, double, long, text, timestamp } from 'eventlake';

/** A pipeline with the kinds of field that user_events lacks. */
export const otherKinds = definePipeline({
  event: defineEvent({
    name: 'others',
    topic: 'others',
    id: 'name',
    time: 'happened',
    key: 'name',
    fields: {
      name: text(),
      happened: timestamp(),
      long: long().optional(),
      double: double().optional(),
      boolean: boolean().optional(),
    },
  }),
  gold: [],
  live: {
    windowMs: 60_000,
    watermarkDelayMs: 0,
    tables: [],
    late: { name: 'realtime.late', by: [], count: 'events' },
  },
  futureToleranceMs: 0,
});

export const validOther = { name: 'x', happened: '2026-01-01T00:00:00Z' };
