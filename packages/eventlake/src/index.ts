export type { Settings } from './config.js';
export { EventlakeError } from './errors.js';
export type { PipelineDefinition } from './schema/definition.js';
