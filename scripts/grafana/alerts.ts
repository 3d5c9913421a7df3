import { tableName } from '../../packages/eventlake/src/schema/dashboards/served.js';
import {
  type DashboardSql,
  SqlName,
  dashboardSql as sql,
} from '../../packages/eventlake/src/schema/dashboards/sql.js';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { pipelineChecks, pipelineHealth } from '../../packages/eventlake/src/schema/health.js';

/** A rule that fires when the one number of its query is beyond the bound, for so long. */
export interface AlertDefinition {
  uid: string;
  title: string;
  /** What it means, and what to do. */
  summary: string;
  severity: 'warning' | 'critical';
  sql: DashboardSql;
  fires: { when: 'above' | 'below'; bound: number; forMinutes: number };
}

const health = tableName(pipelineHealth);
const checks = tableName(pipelineChecks);
const { reported_at, stage, rows, lag, quarantined, last_batch_at } = health.column;
const { checked_at, status } = checks.column;

/** What somebody should be woken for; each query gives one number, 0 where all is well (of the first two, where it is not). */
export function alertsOf({ live }: PipelineDefinition): AlertDefinition[] {
  const all = live.tables.find(({ where }) => where === undefined) ?? live.tables[0]!;
  const windowStart = new SqlName('window_start');
  return [
    {
      uid: 'eventlake-no-data',
      title: 'No events',
      summary:
        'Not one event of the last ten minutes has been counted. Do producers send, and does fast-agg run?',
      severity: 'critical',
      sql: sql`SELECT sum(${new SqlName(all.count)}) as value FROM ${new SqlName(all.name)}
        WHERE ${windowStart} >= now() - INTERVAL 10 MINUTE`,
      fires: { when: 'below', bound: 1, forMinutes: 5 },
    },
    {
      uid: 'eventlake-no-report',
      title: 'No report from the pipeline',
      summary:
        'fast-agg, which reports for all stages every ten seconds, has been silent for two minutes. Does it run?',
      severity: 'critical',
      sql: sql`SELECT count() as value FROM ${health} WHERE ${reported_at} >= now() - INTERVAL 2 MINUTE`,
      fires: { when: 'below', bound: 1, forMinutes: 2 },
    },
    {
      uid: 'eventlake-lag',
      title: 'A streaming stage lags',
      summary:
        'More waits for raw-landing or fast-agg than it has done in the last five minutes: it is down, or slower than what arrives.',
      severity: 'warning',
      sql: sql`SELECT countIf(waiting > done) as value FROM (
          SELECT ${stage}, argMax(${lag}, ${reported_at}) as waiting, max(${rows}) - min(${rows}) as done FROM ${health}
          WHERE ${reported_at} >= now() - INTERVAL 5 MINUTE AND ${stage} IN ('raw-landing', 'fast-agg') GROUP BY ${stage})`,
      fires: { when: 'above', bound: 0, forMinutes: 5 },
    },
    {
      uid: 'eventlake-overdue',
      title: 'A batch stage is overdue',
      summary:
        'Rows have waited for bronze-to-silver or silver-to-gold, whose last batch is more than two and a half hours old. Their schedule is an hour unless it was set: change the rule with it.',
      severity: 'warning',
      sql: sql`SELECT count() as value FROM (
          SELECT ${stage}, argMax(${lag}, ${reported_at}) as waiting, max(${last_batch_at}) as planned FROM ${health}
          WHERE ${reported_at} >= now() - INTERVAL 5 MINUTE AND ${stage} IN ('bronze-to-silver', 'silver-to-gold')
          GROUP BY ${stage}) WHERE waiting > 0 AND planned < now() - INTERVAL 150 MINUTE`,
      fires: { when: 'above', bound: 0, forMinutes: 5 },
    },
    {
      uid: 'eventlake-quarantine',
      title: 'Much goes to quarantine',
      summary:
        'More than 5 % of what came in the last ten minutes was set aside. `eventlake quarantine list` tells the reasons.',
      severity: 'warning',
      sql: sql`SELECT max(aside * 100 / greatest(aside + passed, 20)) as value FROM (
          SELECT ${stage}, max(${quarantined}) - min(${quarantined}) as aside, max(${rows}) - min(${rows}) as passed
          FROM ${health}
          WHERE ${reported_at} >= now() - INTERVAL 10 MINUTE AND ${stage} IN ('raw-landing', 'bronze-to-silver')
          GROUP BY ${stage})`,
      fires: { when: 'above', bound: 5, forMinutes: 1 },
    },
    {
      uid: 'eventlake-verify',
      title: 'The ledger does not add up',
      summary:
        'The newest run of `eventlake verify` found checks that do not hold. Run it, with --deep, and see which.',
      severity: 'critical',
      sql: sql`SELECT countIf(${status} = 'mismatch') as value FROM ${checks}
        WHERE ${checked_at} = (SELECT max(${checked_at}) FROM ${checks})`,
      fires: { when: 'above', bound: 0, forMinutes: 0 },
    },
    {
      uid: 'eventlake-unverified',
      title: 'The ledger is no longer checked',
      summary: '`eventlake verify` has run before, but not in the last three hours.',
      severity: 'warning',
      sql: sql`SELECT if(count() = 0, 0, dateDiff('minute', max(${checked_at}), now())) as value FROM ${checks}`,
      fires: { when: 'above', bound: 180, forMinutes: 0 },
    },
  ];
}
