import { Counter, Gauge, Registry } from 'prom-client';
import type { StageStatus, Status } from '../status.js';

type Sample = [labels: Record<string, string>, value: number];

/**
 * What is durable: the log's offsets and the tables' commits, as `eventlake status` reads them.
 * @param only of one stage, and of what it reads and writes; undefined: everything.
 */
export function stateMetrics({ log, stages, tables }: Status, only?: StageStatus['stage']): Registry {
  const registry = new Registry();
  const add = (type: 'counter' | 'gauge', name: string, help: string, samples: readonly Sample[]) => {
    const labelNames = Object.keys(samples[0]?.[0] ?? {});
    if (samples.length === 0) return;
    const options = { name, help, labelNames, registers: [registry] };
    const metric = type === 'counter' ? new Counter(options) : new Gauge(options);
    for (const [labels, value] of samples) metric.inc(labels, value);
  };
  const chosen = stages.filter(({ stage }) => only === undefined || stage === only);
  const ofStages = (value: (status: StageStatus) => number | undefined): Sample[] =>
    chosen.flatMap((status) => {
      const found = value(status);
      return found === undefined ? [] : [[{ stage: status.stage }, found]];
    });
  const ofPartitions = (value: (end: number, start: number) => number): Sample[] =>
    (log?.partitions ?? []).map(({ partition, startOffset, endOffset }) => [
      { topic: log!.topic, partition: String(partition) },
      value(endOffset, startOffset),
    ]);
  if (only === undefined || only === 'raw-landing') {
    add(
      'counter',
      'eventlake_log_records_total',
      'Records ever appended.',
      ofPartitions((end) => end),
    );
    add(
      'gauge',
      'eventlake_log_retained_records',
      'Records that retention has kept.',
      ofPartitions((end, start) => end - start),
    );
  }
  add(
    'gauge',
    'eventlake_stage_lag_records',
    'Records or rows that wait for the stage.',
    ofStages(({ lag }) => lag),
  );
  add(
    'gauge',
    'eventlake_partition_lag_records',
    'Records that wait for the stage, by partition of the log.',
    chosen.flatMap(({ stage, partitionLag = [] }) =>
      partitionLag.map((lag, partition): Sample => [{ stage, partition: String(partition) }, lag]),
    ),
  );
  add(
    'counter',
    'eventlake_stage_rows_total',
    "Rows of the stage's main table; of fast-agg, records counted.",
    ofStages(({ rows }) => rows),
  );
  add(
    'counter',
    'eventlake_quarantined_rows_total',
    'Rows set aside, each with its reason.',
    ofStages(({ quarantined }) => quarantined),
  );
  add(
    'counter',
    'eventlake_duplicate_rows_total',
    'Rows set aside as sent before.',
    ofStages(({ duplicates }) => duplicates),
  );
  add(
    'gauge',
    'eventlake_stage_last_plan_timestamp_seconds',
    'When the newest batch was planned, since 1970.',
    ofStages(({ lastBatch }) => lastBatch && Date.parse(lastBatch.plannedAt) / 1000),
  );
  add(
    'gauge',
    'eventlake_watermark_timestamp_seconds',
    "fast-agg's watermark, event time since 1970.",
    chosen.flatMap(({ watermarks = [] }) =>
      watermarks.flatMap((time, partition): Sample[] =>
        time === null ? [] : [[{ partition: String(partition) }, Date.parse(time) / 1000]],
      ),
    ),
  );
  const shown = tables.filter(({ table }) => only === undefined || LAYERS[only].includes(layerOf(table)));
  for (const [name, help, field] of TABLE_GAUGES) {
    add(
      'gauge',
      name,
      help,
      shown.map((status): Sample => [{ table: status.table }, status[field]]),
    );
  }
  return registry;
}

/** Who writes them. */
const LAYERS: Readonly<Record<StageStatus['stage'], readonly string[]>> = {
  'raw-landing': ['bronze'],
  'bronze-to-silver': ['silver'],
  'silver-to-gold': ['gold', 'rollup'],
  'fast-agg': [],
};

const TABLE_GAUGES = [
  ['eventlake_table_rows', 'Rows of a Delta table at its newest version.', 'rows'],
  ['eventlake_table_files', 'Its data files.', 'files'],
  ['eventlake_table_size_bytes', 'Their size.', 'bytes'],
  ['eventlake_table_version', 'Its newest version.', 'version'],
] as const;

function layerOf(table: string): string {
  return table.slice(0, table.indexOf('.'));
}
