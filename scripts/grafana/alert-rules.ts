import type { AlertDefinition } from './alerts.js';
import { DATASOURCE, queryOf } from './dashboard.js';

/**
 * Grafana's file of alert rules: each asks its query for one number and compares it with a bound.
 * @throws Error for a query with a dollar sign: Grafana takes what follows it in these files for a variable of its own.
 */
export function alertRules(alerts: readonly AlertDefinition[]) {
  const odd = alerts.find((alert) => JSON.stringify(alert).includes('$'));
  if (odd) throw new Error(`The alert ${odd.uid} has a dollar sign`);
  return {
    apiVersion: 1,
    groups: [{ orgId: 1, name: 'eventlake', folder: 'eventlake', interval: '1m', rules: alerts.map(ruleOf) }],
  };
}

function ruleOf({ uid, title, summary, severity, sql, fires }: AlertDefinition) {
  const evaluator = { type: fires.when === 'above' ? 'gt' : 'lt', params: [fires.bound] };
  return {
    uid,
    title,
    condition: 'B',
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from: 600, to: 0 },
        datasourceUid: DATASOURCE.uid,
        model: queryOf(sql, 'table'),
      },
      {
        refId: 'B',
        relativeTimeRange: { from: 0, to: 0 },
        datasourceUid: '__expr__',
        model: {
          refId: 'B',
          type: 'threshold',
          datasource: { type: '__expr__', uid: '__expr__' },
          expression: 'A',
          conditions: [{ evaluator }],
        },
      },
    ],
    // Every query has an answer, whatever the tables hold: no answer means that ClickHouse gives none.
    noDataState: 'Alerting',
    execErrState: 'Alerting',
    for: `${fires.forMinutes}m`,
    annotations: { summary },
    labels: { severity, service: 'eventlake' },
    isPaused: false,
  };
}
