import type { PipelineDefinition } from 'eventlake';

/** What is counted while it happens, a minute at a time. */
export const live = {
  windowMs: 60_000,
  watermarkDelayMs: 120_000,
  tables: [
    { name: 'realtime.events_per_minute', by: ['event_type'], count: 'event_count' },
    {
      name: 'realtime.logins_per_source',
      where: "event_type = 'login'",
      by: ['source'],
      count: 'login_count',
    },
    {
      name: 'realtime.purchases_per_minute',
      where: "event_type = 'purchase'",
      by: [],
      count: 'purchase_count',
    },
  ],
  late: { name: 'realtime.late_events_per_minute', by: ['event_type'], count: 'event_count' },
} as const satisfies PipelineDefinition['live'];
