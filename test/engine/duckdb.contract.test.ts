import { engineContract } from '../contracts/engine.js';
import { openEngine } from './duckdb.js';

engineContract('DuckDB', async () => {
  const { engine, log, close } = await openEngine();
  return { engine, produce: async (values, partition = 0) => log.add(partition, values), close };
});
