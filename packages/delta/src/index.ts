export type * from './actions.js';
export type * from './contract.js';
export * from './errors.js';
export type * from './schema.js';
export * from './store.js';
