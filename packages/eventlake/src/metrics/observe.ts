import type { Registry } from 'prom-client';
import type { Settings } from '../config.js';
import type { StageStatus, StatusReader } from '../status.js';
import { newRegistry } from './registry.js';
import { atMostEvery, scrape } from './scrape.js';
import { startMetricsServer } from './server.js';
import { readSpool, spoolMetrics } from './spool.js';
import { stateMetrics } from './state-metrics.js';

/** The state is read from the log and the tables at most so often. */
const STATE_EVERY_MS = 2000;

export interface ObserveOptions {
  name: string;
  /** Tells processes of one name apart. */
  instance?: string;
  settings: Pick<Settings, 'dataDir' | 'metrics'>;
  /** How far everything has come. */
  status?: StatusReader | undefined;
  /** Of the state, what this stage reads and writes; undefined: everything. */
  stage?: StageStatus['stage'];
  /** Figures of the data folder's other processes are shown, too. */
  collects?: boolean;
  /** Listens on `metrics.port` where it is set. */
  listens?: boolean;
}

export interface Observed {
  registry: Registry;
  /** The page of `/metrics`. */
  text(): Promise<string>;
  /** What `/ready` says: undefined where the process can do its work. */
  setReady(why: string | undefined): void;
  url: string | undefined;
  close(): Promise<void>;
}

/** A process's figures: left for the endpoint, and on a port of its own where the settings name one. */
export async function observe(options: ObserveOptions): Promise<Observed> {
  const { name, instance = name, settings, status, stage, collects = false, listens = true } = options;
  const { dataDir, metrics } = settings;
  const registry = newRegistry(name);
  let why: string | undefined = 'it is starting';
  const state = atMostEvery(STATE_EVERY_MS, async () => status && stateMetrics(await status.read(), stage));
  const text = async () => {
    const durable = await state();
    return scrape(
      durable === undefined ? [registry] : [registry, durable],
      collects ? await readSpool(dataDir) : [],
    );
  };
  const { host, port } = metrics;
  const server =
    port === undefined || !listens
      ? undefined
      : await startMetricsServer({ host, port, text, notReady: () => why });
  // Who collects shows its own figures anyway.
  const spool = collects ? undefined : spoolMetrics(dataDir, instance, registry);
  return {
    registry,
    text,
    setReady: (reason) => {
      why = reason;
    },
    url: server?.url,
    async close() {
      await spool?.close();
      await server?.close();
    },
  };
}
