export { defineConfig, type Settings, type SettingsInput } from './config.js';
export { EventlakeError } from './errors.js';
export type { RecordBatch } from './log/event-log.js';
export type { DashboardDefinition, PanelDefinition } from './schema/dashboards/definition.js';
export { servedTables } from './schema/dashboards/served.js';
export { dashboardSql } from './schema/dashboards/sql.js';
export { defineEvent, definePipeline } from './schema/define.js';
export type {
  ColumnDefinition,
  EventDefinition,
  EventOf,
  FieldDefinition,
  GoldTable,
  LiveTable,
  PipelineDefinition,
  SimulateOptions,
  Simulation,
} from './schema/definition.js';
export {
  boolean,
  double,
  type Field,
  integer,
  long,
  oneOf,
  text,
  timestamp,
  uuid,
} from './schema/fields.js';
export { type MirrorTable, mirror } from './schema/tables.js';
