import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const shape = z.object({ pid: z.number().int(), url: z.string(), startedAt: z.string() });

/** Where the endpoint of a data folder listens: `<dataDir>/clickhouse/endpoint.json`. */
export type EndpointFile = z.infer<typeof shape>;

export const WRITER = 'writer';

export function clickhouseFolder(dataDir: string): string {
  return join(dataDir, 'clickhouse');
}

export async function writeEndpointFile(dataDir: string, content: EndpointFile): Promise<void> {
  await replaceFile(join(clickhouseFolder(dataDir), 'endpoint.json'), `${JSON.stringify(content)}\n`);
}

export async function removeEndpointFile(dataDir: string): Promise<void> {
  const found = await readEndpointFile(dataDir);
  if (found?.pid === process.pid) await rm(join(clickhouseFolder(dataDir), 'endpoint.json'), { force: true });
}

async function readEndpointFile(dataDir: string): Promise<EndpointFile | undefined> {
  try {
    return shape.parse(JSON.parse(await readFile(join(clickhouseFolder(dataDir), 'endpoint.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The endpoint that answers on this data folder. A file that a crashed process left behind is not believed. */
export async function findEndpoint(dataDir: string): Promise<EndpointFile | undefined> {
  const found = await readEndpointFile(dataDir);
  if (found === undefined || !isAlive(found.pid)) return undefined;
  const answer = await fetch(`${found.url}/ping`, { signal: AbortSignal.timeout(5000) }).catch(
    () => undefined,
  );
  return answer?.ok && answer.headers.get('x-eventlake-pid') === String(found.pid) ? found : undefined;
}

/**
 * The writer's password, made at random once a data folder: only who can read the folder can write through the endpoint.
 * Never on a command line, never in a log.
 */
export async function writerSecret(dataDir: string): Promise<string> {
  const path = join(clickhouseFolder(dataDir), 'writer.secret');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known.trim().length >= 32) return known.trim();
  const secret = randomBytes(24).toString('base64url');
  await replaceFile(path, `${secret}\n`);
  return secret;
}

export async function readWriterSecret(dataDir: string): Promise<string> {
  return (await readFile(join(clickhouseFolder(dataDir), 'writer.secret'), 'utf8')).trim();
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
