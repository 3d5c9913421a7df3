import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { S3Options } from '../../src/index.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BUCKET = 'lake';

export type S3ServerName = 'versitygw' | 'moto';

export const s3Servers: readonly S3ServerName[] = ['versitygw', 'moto'];

/** What the servers take as a key; of no worth anywhere else. */
export const s3Credentials = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-key' };

export interface S3Server {
  endpoint: string;
  /** `s3://lake`, which is there. */
  url: string;
  options: S3Options;
  /** What a process's environment needs to reach it by the SDK's own chain. */
  env: Record<string, string>;
  close(): Promise<void>;
}

/** A server of its own, installed where it is not yet, on a free port of this machine. */
export async function startS3Server(name: S3ServerName): Promise<S3Server> {
  await promisify(execFile)(join(ROOT, 'scripts/setup-s3-servers'), { maxBuffer: 2 ** 24 });
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const port = await freePort();
  const child = name === 'moto' ? startMoto(port) : await startVersityGw(port, folder);
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(endpoint, child);
  if (name === 'moto') await fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' });
  return {
    endpoint,
    url: `s3://${BUCKET}`,
    options: { endpoint, region: 'us-east-1', credentials: s3Credentials },
    env: {
      AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
      EVENTLAKE_S3_ENDPOINT: endpoint,
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function startMoto(port: number): ChildProcess {
  const command = join(ROOT, '.cache/s3-servers/moto/bin/moto_server');
  return spawn(command, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
}

/**
 * A folder is a bucket. The metadata are extended attributes, which the file system of the folder has to have: beside
 * the files (`--sidecar`) they come later than the object, and a listing in between leaves the object out.
 */
async function startVersityGw(port: number, folder: string): Promise<ChildProcess> {
  await mkdir(join(folder, 'data', BUCKET), { recursive: true });
  const { accessKeyId, secretAccessKey } = s3Credentials;
  const args = ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', 'posix', join(folder, 'data')];
  return spawn(join(ROOT, '.cache/s3-servers/versitygw'), args, {
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey },
  });
}

async function answering(endpoint: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}`);
    const answer = await fetch(endpoint).catch(() => undefined);
    if (answer !== undefined) return;
    if (tries > 600) throw new Error(`No server answers at ${endpoint}`);
    await sleep(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
