import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pipeline from '@eventlake/user-events';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { servedTables } from '../../packages/eventlake/src/schema/dashboards/served.js';
import { dashboardSql } from '../../packages/eventlake/src/schema/dashboards/sql.js';
import { alertRules } from '../../scripts/grafana/alert-rules.js';
import { alertsOf } from '../../scripts/grafana/alerts.js';
import { grafanaFiles } from '../../scripts/grafana/files.js';

const folder = join(import.meta.dirname, '../../deploy/grafana');
const files = grafanaFiles(pipeline);

test.each([...files.keys()])('%s is what the declaration makes', (name) => {
  expect(readFileSync(join(folder, name), 'utf8'), 'run `npm run dashboards`').toBe(files.get(name));
});

test('there are no dashboards of pipelines that are gone', () => {
  expect(
    readdirSync(join(folder, 'dashboards'))
      .map((name) => `dashboards/${name}`)
      .sort(),
  ).toEqual([...files.keys()].filter((name) => name.startsWith('dashboards/')).sort());
});

interface Panel {
  id: number;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: unknown;
  targets?: { datasource: unknown; rawSql: string }[];
}

describe.each([...files.keys()].filter((name) => name.startsWith('dashboards/')))('%s', (name) => {
  const { uid, panels } = JSON.parse(files.get(name)!) as { uid: string; panels: Panel[] };

  test('its file, its address and its panels can be told apart', () => {
    expect(name).toBe(`dashboards/${uid}.json`);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  test('no panel lies over another or beyond the edge', () => {
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x}/${y}`)).toBe(false);
          taken.add(`${x}/${y}`);
        }
      }
    }
  });

  test('every panel asks the datasource that is provisioned', () => {
    const provisioned = parse(readFileSync(join(folder, 'provisioning/datasources/eventlake.yaml'), 'utf8'));
    const { uid, type } = provisioned.datasources[0];
    for (const panel of panels) {
      if (panel.type === 'row') continue;
      expect(panel.datasource).toEqual({ type, uid });
      expect(panel.targets!.map(({ datasource }) => datasource)).toEqual([{ type, uid }]);
    }
  });
});

describe('a query of a dashboard', () => {
  const { 'realtime.purchases_per_minute': table } = servedTables(
    {
      windowMs: 60_000,
      watermarkDelayMs: 0,
      tables: [],
      late: { name: 'realtime.purchases_per_minute', by: [], count: 'n' },
    },
    [],
  );

  test('names tables and columns by reference, and writes out SQL only', () => {
    expect(
      dashboardSql`SELECT sum(${table.column.n}) as value FROM ${table} WHERE $__timeFilter(${table.column.window_start})`,
    ).toBe('SELECT sum(n) as value FROM realtime.purchases_per_minute WHERE $__timeFilter(window_start)');
    expect(() => dashboardSql`SELECT sum(m) FROM ${table}`).toThrow(/writes out m/);
    expect(() => dashboardSql`SELECT 1 FROM realtime.nothing`).toThrow(/writes out realtime/);
  });

  test('has no FINAL', () => {
    expect(() => dashboardSql`SELECT count() FROM ${table} FINAL`).toThrow(/writes out FINAL/);
  });

  test('a rule with what Grafana would take for a variable is refused', () => {
    const [rule] = alertsOf(pipeline);
    expect(() => alertRules([{ ...rule!, sql: dashboardSql`SELECT $__fromTime as a` }])).toThrow(/dollar/);
  });
});
