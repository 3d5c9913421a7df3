export { defineConfig, type Settings, type SettingsInput } from './config.js';
export { EventlakeError } from './errors.js';
export type { PipelineDefinition } from './schema/definition.js';
