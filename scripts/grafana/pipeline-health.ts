import type {
  DashboardDefinition,
  PanelDefinition,
} from '../../packages/eventlake/src/schema/dashboards/definition.js';
import { tableName } from '../../packages/eventlake/src/schema/dashboards/served.js';
import { SqlName, dashboardSql as sql } from '../../packages/eventlake/src/schema/dashboards/sql.js';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { pipelineChecks, pipelineHealth } from '../../packages/eventlake/src/schema/health.js';

const health = tableName(pipelineHealth);
const checks = tableName(pipelineChecks);
const { reported_at, stage, rows, lag, quarantined, duplicates, last_batch_at } = health.column;
const { checked_at, check_name, left_count, right_count, difference, status } = checks.column;

/** The dashboard about the pipeline itself: the same for every pipeline. */
export function healthDashboard(pipeline: PipelineDefinition): DashboardDefinition {
  return {
    uid: 'eventlake-pipeline',
    title: 'Pipeline health',
    description: 'How far every stage has come, what was set aside, and whether live and history agree.',
    rows: [
      { title: 'Now', panels: [...freshness(pipeline), reconciliationStat] },
      { title: 'Stages', panels: [lagOverTime, rowsOverTime, newestReports] },
      { title: 'Set aside', panels: [quarantineOverTime, duplicatesOverTime] },
      { title: 'Live and history', panels: [reconciliation, differences] },
    ],
  };
}

function freshness({ live, gold }: PipelineDefinition): PanelDefinition[] {
  const all = live.tables.find(({ where }) => where === undefined) ?? live.tables[0]!;
  const mirror = gold.find(({ serve }) => serve !== undefined)?.serve;
  const windowStart = new SqlName('window_start');
  const updatedAt = new SqlName('updated_at');
  return [
    {
      title: 'Freshness of the live tables',
      description: 'Since the newest minute that has events began.',
      kind: 'stat',
      unit: 's',
      width: 8,
      sql: sql`SELECT dateDiff('second', max(${windowStart}), now()) as value FROM ${new SqlName(all.name)}
        HAVING count() > 0`,
    },
    ...(mirror
      ? [
          {
            title: 'Freshness of gold',
            description: 'Since the batch was planned that is published now.',
            kind: 'stat',
            unit: 's',
            width: 8,
            sql: sql`SELECT dateDiff('second', max(${updatedAt}), now()) as value FROM ${new SqlName(mirror.name)}
              HAVING count() > 0`,
          } as const,
        ]
      : []),
  ];
}

const reconciliationStat: PanelDefinition = {
  title: 'Checks that do not hold',
  description: 'Of the newest run of `eventlake verify`.',
  kind: 'stat',
  unit: 'short',
  width: 8,
  sql: sql`SELECT countIf(${status} = 'mismatch') as value FROM ${checks}
    WHERE ${checked_at} = (SELECT max(${checked_at}) FROM ${checks})`,
};

const lagOverTime: PanelDefinition = {
  title: 'Lag',
  description: 'Records, or rows, that wait for each stage.',
  kind: 'lines',
  unit: 'short',
  width: 12,
  sql: sql`SELECT $__timeInterval(${reported_at}) as time, ${stage} as metric, max(${lag}) as value FROM ${health}
    WHERE $__timeFilter(${reported_at}) AND ${stage} != 'log' GROUP BY time, ${stage} ORDER BY time ASC`,
};

const rowsOverTime: PanelDefinition = {
  title: 'Came out of each stage',
  description: 'Records of the log, rows of tables, since the beginning.',
  kind: 'lines',
  unit: 'short',
  width: 12,
  sql: sql`SELECT $__timeInterval(${reported_at}) as time, ${stage} as metric, max(${rows}) as value FROM ${health}
    WHERE $__timeFilter(${reported_at}) GROUP BY time, ${stage} ORDER BY time ASC`,
};

const newestReports: PanelDefinition = {
  title: 'Newest report of each stage',
  description: 'Of the last day.',
  kind: 'table',
  width: 24,
  sql: sql`SELECT ${stage}, argMax(${rows}, ${reported_at}) as out, argMax(${lag}, ${reported_at}) as waiting,
      argMax(${quarantined}, ${reported_at}) as in_quarantine, argMax(${duplicates}, ${reported_at}) as repeated,
      argMax(${last_batch_at}, ${reported_at}) as last_batch, max(${reported_at}) as reported
    FROM ${health} WHERE ${reported_at} >= now() - INTERVAL 1 DAY GROUP BY ${stage} ORDER BY ${stage} ASC`,
};

const quarantineOverTime: PanelDefinition = {
  title: 'In quarantine',
  description:
    'What could not be read (raw-landing) and what is no valid event (bronze-to-silver), since the beginning.',
  kind: 'lines',
  unit: 'short',
  width: 12,
  sql: sql`SELECT $__timeInterval(${reported_at}) as time, ${stage} as metric, max(${quarantined}) as value FROM ${health}
    WHERE $__timeFilter(${reported_at}) AND ${stage} IN ('raw-landing', 'bronze-to-silver')
    GROUP BY time, ${stage} ORDER BY time ASC`,
};

const duplicatesOverTime: PanelDefinition = {
  title: 'Duplicates',
  description: 'Events that producers sent again, since the beginning.',
  kind: 'lines',
  unit: 'short',
  width: 12,
  sql: sql`SELECT $__timeInterval(${reported_at}) as time, max(${duplicates}) as value FROM ${health}
    WHERE $__timeFilter(${reported_at}) AND ${stage} = 'bronze-to-silver' GROUP BY time ORDER BY time ASC`,
};

const reconciliation: PanelDefinition = {
  title: 'The ledger',
  description:
    'The newest run of `eventlake verify`: two independent counts a line, at the positions of their jobs.',
  kind: 'table',
  width: 12,
  sql: sql`SELECT ${check_name}, ${left_count}, ${right_count}, ${difference}, ${status} FROM ${checks}
    WHERE ${checked_at} = (SELECT max(${checked_at}) FROM ${checks}) ORDER BY ${status} ASC, ${check_name} ASC`,
};

const differences: PanelDefinition = {
  title: 'Differences over time',
  description: 'Events or rows on one side only, all checks together.',
  kind: 'lines',
  unit: 'short',
  width: 12,
  sql: sql`SELECT ${checked_at} as time, sum(${difference}) as value FROM ${checks}
    WHERE $__timeFilter(${checked_at}) GROUP BY ${checked_at} ORDER BY ${checked_at} ASC`,
};
