import type { ServingTable } from './definition.js';

/** How far each stage has come, a row a stage every ten seconds. Kept for a week. */
export const pipelineHealth = {
  name: 'realtime.pipeline_health',
  columns: [
    { name: 'reported_at', type: "DateTime64(3, 'UTC')" },
    /** `log`, or the job. */
    { name: 'stage', type: 'String' },
    /** What ever came out of it: records appended, rows of its main table, records counted. */
    { name: 'rows', type: 'UInt64' },
    /** Records or rows that wait for it. */
    { name: 'lag', type: 'UInt64' },
    { name: 'quarantined', type: 'UInt64' },
    { name: 'duplicates', type: 'UInt64' },
    /** When its newest batch was planned; 1970 before the first. */
    { name: 'last_batch_at', type: "DateTime64(3, 'UTC')" },
  ],
  engine: 'MergeTree',
  orderBy: ['stage', 'reported_at'],
  ttl: 'toDateTime(reported_at) + INTERVAL 7 DAY',
} as const satisfies ServingTable;

/** What each run of `verify` found, a row a check. Kept for 30 days. */
export const pipelineChecks = {
  name: 'realtime.pipeline_checks',
  columns: [
    { name: 'checked_at', type: "DateTime64(3, 'UTC')" },
    { name: 'check_name', type: 'String' },
    /** The two counts that have to be equal. */
    { name: 'left_count', type: 'Int64' },
    { name: 'right_count', type: 'Int64' },
    { name: 'difference', type: 'Int64' },
    { name: 'status', type: 'String' },
  ],
  engine: 'MergeTree',
  orderBy: ['checked_at', 'check_name'],
  ttl: 'toDateTime(checked_at) + INTERVAL 30 DAY',
} as const satisfies ServingTable;

/** The tables about the pipeline itself, beside those that it fills. */
export const healthTables: readonly ServingTable[] = [pipelineHealth, pipelineChecks];
