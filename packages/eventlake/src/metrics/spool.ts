import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { z } from 'zod';

/** How often a process leaves its figures for the endpoint. */
const WRITE_EVERY_MS = 5000;
/** Figures that are older are of a process that has ended, or hangs. */
const SHOWN_MS = 60_000;
const REMOVED_MS = 3_600_000;
const FILES_MAX = 100;

/** As prom-client's `getMetricsAsJSON` gives it and its `aggregate` takes it. */
const shape = z.array(
  z.object({
    name: z.string().regex(/^[a-z_]+$/),
    help: z.string(),
    type: z.string(),
    aggregator: z.string(),
    values: z.array(
      z.object({
        value: z.number(),
        labels: z.record(z.string(), z.union([z.string(), z.number()])),
        metricName: z.string().optional(),
      }),
    ),
  }),
);

export type SpooledMetrics = z.infer<typeof shape>;

/**
 * Leaves a process's figures in `<dataDir>/metrics/<name>.json`, where the endpoint collects them, every few seconds
 * until `close`. Figures that cannot be written trouble nobody.
 */
export function spoolMetrics(dataDir: string, name: string, registry: Registry): { close(): Promise<void> } {
  const path = join(folderOf(dataDir), `${name}.json`);
  let last: Promise<void> = Promise.resolve();
  const write = () => {
    last = writeSpool(dataDir, name, registry).catch(() => {});
    return last;
  };
  void write();
  const timer = setInterval(() => void write(), WRITE_EVERY_MS);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      await last;
      await rm(path, { force: true }).catch(() => {});
    },
  };
}

/** @param name ends with `.last` for figures that are of a time and stay. */
export async function writeSpool(dataDir: string, name: string, registry: Registry): Promise<void> {
  const folder = folderOf(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.json`);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, JSON.stringify(await registry.getMetricsAsJSON()), { mode: 0o600 });
  await rename(temporary, path);
}

/** What the processes of a data folder have left lately. What cannot be read is left out. */
export async function readSpool(dataDir: string): Promise<SpooledMetrics[]> {
  const folder = folderOf(dataDir);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  const found: SpooledMetrics[] = [];
  for (const name of names.slice(0, FILES_MAX)) {
    const path = join(folder, name);
    try {
      const ageMs = Date.now() - (await stat(path)).mtimeMs;
      const stays = name.endsWith('.last.json');
      if (!stays && ageMs > REMOVED_MS) await rm(path, { force: true });
      if (!stays && ageMs > SHOWN_MS) continue;
      found.push(shape.parse(JSON.parse(await readFile(path, 'utf8'))));
    } catch {
      // It was removed meanwhile, or is not ours.
    }
  }
  return found;
}

function folderOf(dataDir: string): string {
  return join(dataDir, 'metrics');
}
