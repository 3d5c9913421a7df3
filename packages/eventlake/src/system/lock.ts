import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EventlakeError } from '../errors.js';
import { processStart } from './process-start.js';

/**
 * Who runs what on a data folder: `<dataDir>/locks/<name>/<claim>.json`, one file a claim.
 *
 * A claim is made first and looked around second: whoever sees another live claim takes back its own. Of two that
 * claim at once at least one sees the other, so two never hold the same lock. Claims have names of their own, so a
 * dead one can be removed without ever removing a live one; nothing needs to be cleaned up by hand after a `kill -9`.
 */
export interface Lock {
  readonly name: string;
  release(): Promise<void>;
}

export interface LockHolder {
  name: string;
  pid: number;
  host: string;
  /** ISO 8601. */
  since: string;
  shared: boolean;
}

export interface LockOptions {
  /** Any number of shared claims may stand beside each other; they only say that somebody is at work. */
  shared?: boolean;
}

interface Claim extends LockHolder {
  /** Tells a process from a later one with the same id. */
  start: string;
}

/** While this is held, nothing else on the folder can be. */
const RESET = 'reset';
const ATTEMPTS = 5;
const HEARTBEAT_MS = 5_000;
/** A process on another host cannot be looked at; its claim is dead when it has not been touched for this long. */
const FOREIGN_DEAD_AFTER_MS = 60_000;

/** @throws EventlakeError `busy`, naming the process that has it. */
export async function acquireLock(dataDir: string, name: string, options: LockOptions = {}): Promise<Lock> {
  const folder = join(dataDir, 'locks', name);
  await mkdir(folder, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const file = await claim(folder, name, options.shared ?? false);
    const others = (await holders(folder)).filter((other) => other.file !== file);
    const inTheWay = options.shared ? others.filter(({ claim }) => !claim.shared) : others;
    const rival =
      inTheWay[0] ?? (name === RESET ? undefined : (await holders(join(dataDir, 'locks', RESET)))[0]);
    if (!rival) return hold(name, file);
    await rm(file, { force: true });
    if (attempt === ATTEMPTS) throw busy(rival.claim);
    // Two that claim at once both step back: at different moments they try again.
    await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 40));
  }
}

/** All live claims on the data folder, by name. */
export async function lockHolders(dataDir: string): Promise<LockHolder[]> {
  const names = await readdir(join(dataDir, 'locks')).catch(() => []);
  const found = await Promise.all(names.sort().map((name) => holders(join(dataDir, 'locks', name))));
  return found.flat().map(({ claim: { start: _, ...holder } }) => holder);
}

async function claim(folder: string, name: string, shared: boolean): Promise<string> {
  const file = join(folder, `${process.pid}-${randomUUID()}.json`);
  const content: Claim = {
    name,
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    shared,
    start: (await processStart(process.pid)) ?? '',
  };
  // Written aside and renamed, so that nobody reads half a claim.
  await writeFile(`${file}.tmp`, JSON.stringify(content));
  await rename(`${file}.tmp`, file);
  return file;
}

/** The live claims in a folder; dead ones are removed on the way. */
async function holders(folder: string): Promise<{ file: string; claim: Claim }[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  const found: { file: string; claim: Claim }[] = [];
  for (const file of names.map((name) => join(folder, name))) {
    const claim = await readClaim(file);
    if (!claim) continue;
    if (await isAlive(claim, file)) found.push({ file, claim });
    else await rm(file, { force: true });
  }
  return found.sort((a, b) => (a.claim.since < b.claim.since ? -1 : 1));
}

async function readClaim(file: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Claim;
  } catch (error) {
    // Released between listing and reading, or cut short by a power loss: nobody's in either case.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await rm(file, { force: true });
    return undefined;
  }
}

async function isAlive(claim: Claim, file: string): Promise<boolean> {
  if (claim.host === hostname()) return (await processStart(claim.pid)) === claim.start;
  const touchedMs = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  return Date.now() - touchedMs < FOREIGN_DEAD_AFTER_MS;
}

function hold(name: string, file: string): Lock {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    name,
    release: async () => {
      clearInterval(heartbeat);
      await rm(file, { force: true });
    },
  };
}

function busy(holder: Claim): EventlakeError {
  const where =
    holder.host === hostname() ? `process ${holder.pid}` : `process ${holder.pid} on ${holder.host}`;
  return new EventlakeError(
    'busy',
    `${holder.name} is running already: ${where}, since ${holder.since}`,
    { job: holder.name },
    'Stop that process first, or take another data folder with --data-dir.',
  );
}
