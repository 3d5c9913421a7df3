import { stringify } from 'yaml';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { alertRules } from './alert-rules.js';
import { alertsOf } from './alerts.js';
import { grafanaDashboard } from './dashboard.js';
import { healthDashboard } from './pipeline-health.js';

const MADE = '# Made by `npm run dashboards` from the pipeline: change its declaration instead.\n';

/** Every generated file below `deploy/grafana`, and what is in it. */
export function grafanaFiles(pipeline: PipelineDefinition): Map<string, string> {
  const dashboards = [...(pipeline.dashboards ?? []), healthDashboard(pipeline)];
  return new Map([
    ...dashboards.map((dashboard): [string, string] => [
      `dashboards/${dashboard.uid}.json`,
      `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`,
    ]),
    [
      'provisioning/alerting/eventlake.yaml',
      MADE + stringify(alertRules(alertsOf(pipeline)), { lineWidth: 0, aliasDuplicateObjects: false }),
    ],
  ]);
}
