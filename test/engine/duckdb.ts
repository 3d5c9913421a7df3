import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStore, type Store } from '@eventlake/delta';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import type { Engine } from '../../packages/eventlake/src/engine/engine.js';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';
import { MemoryLog } from './memory-log.js';

export interface EngineOnDisk {
  engine: Engine;
  log: MemoryLog;
  store: Store;
  dataDir: string;
  close(): Promise<void>;
}

/** An engine on a folder of its own, which goes with it; its tables are there too, unless a store is given. */
export async function openEngine(
  options: { dataFileBytes?: number; cacheBytesMax?: number; store?: Store } = {},
): Promise<EngineOnDisk> {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-engine-'));
  const log = new MemoryLog();
  const store = options.store ?? localStore(join(dataDir, 'lakehouse'));
  const engine = await openDuckDbEngine({
    log: log as unknown as EventLog,
    dataDir,
    memoryMb: 256,
    threads: 2,
    ...options,
    store,
  });
  return {
    engine,
    log,
    store,
    dataDir,
    close: async () => {
      await engine.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
