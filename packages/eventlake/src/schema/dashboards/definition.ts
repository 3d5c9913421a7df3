import type { DashboardSql } from './sql.js';

/** A dashboard as a pipeline declares it; `npm run dashboards` makes Grafana's files of it. */
export interface DashboardDefinition {
  /** Part of its address, and of its file's name. */
  uid: string;
  title: string;
  description: string;
  rows: readonly { title: string; panels: readonly PanelDefinition[] }[];
}

export interface PanelDefinition {
  title: string;
  description: string;
  /**
   * - `lines`, `bars`: columns `time`, `value` and, where there are several series, `metric`;
   * - `stat`: the first row's number;
   * - `table`: rows as they come.
   */
  kind: 'lines' | 'bars' | 'stat' | 'table';
  sql: DashboardSql;
  /** Grafana's name of it: `short`, `percent`, `s`. */
  unit?: string;
  decimals?: number;
  /** Of the 24 that a row is wide. */
  width: number;
}
