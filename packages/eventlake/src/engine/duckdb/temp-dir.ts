import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { processStart } from '../../system/process-start.js';

/**
 * A folder of this process's own below `<dataDir>/tmp`. Folders that processes of this host left when they were killed
 * are removed on the way: their name tells whose they were.
 */
export async function claimTempDir(dataDir: string): Promise<string> {
  const parent = join(dataDir, 'tmp');
  const own = `engine_${hostname()}_${process.pid}_${await startMark(process.pid)}`;
  await mkdir(parent, { recursive: true });
  await removeLeftovers(parent);
  return await makeNext(parent, own);
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const match = /^engine_(.+)_(\d+)_([0-9a-f]{12}|none)_\d+$/.exec(name);
    if (match?.[1] !== hostname()) continue;
    if ((await startMark(Number(match[2]))) === match[3]) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Tells a process from a later one with the same id. */
async function startMark(pid: number): Promise<string> {
  const start = await processStart(pid);
  return start === undefined ? 'none' : createHash('sha256').update(start).digest('hex').slice(0, 12);
}

/** A process may open several engines, one after the other or, in tests, at once. */
async function makeNext(parent: string, own: string): Promise<string> {
  for (let nth = 1; ; nth++) {
    const path = join(parent, `${own}_${nth}`);
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
