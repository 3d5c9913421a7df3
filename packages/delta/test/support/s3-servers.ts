import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { S3Options } from '../../src/index.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BUCKET = 'lake';

export type S3ServerName = 'versitygw' | 'moto' | 'minio';

/** MinIO takes many minutes to build: only where it is asked for, `EVENTLAKE_TEST_MINIO=1`. */
export const s3Servers: readonly S3ServerName[] = [
  'versitygw',
  'moto',
  ...(process.env.EVENTLAKE_TEST_MINIO ? (['minio'] as const) : []),
];

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

/**
 * A server of its own, installed where it is not yet, on a free port of this machine.
 * @param tls by which authority's certificate it is known; versitygw only
 */
export async function startS3Server(name: S3ServerName, tls?: Certificate): Promise<S3Server> {
  const setup = join(ROOT, 'scripts/setup-s3-servers');
  await promisify(execFile)(setup, name === 'minio' ? ['minio'] : [], { maxBuffer: 2 ** 24 });
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const port = await freePort();
  const child = await START[name](port, folder, tls);
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  await answering(port, child);
  if (name !== 'versitygw') await makeBucket(endpoint);
  return {
    endpoint,
    url: `s3://${BUCKET}`,
    options: {
      endpoint,
      region: 'us-east-1',
      credentials: s3Credentials,
      ...(tls && { ca: readFileSync(tls.caFile, 'utf8') }),
    },
    env: {
      AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
      EVENTLAKE_S3_ENDPOINT: endpoint,
      ...(tls && { EVENTLAKE_S3_CA_FILE: tls.caFile }),
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

const START = { moto: startMoto, versitygw: startVersityGw, minio: startMinio } satisfies Record<
  S3ServerName,
  (port: number, folder: string, tls?: Certificate) => ChildProcess | Promise<ChildProcess>
>;

async function makeBucket(endpoint: string): Promise<void> {
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: s3Credentials,
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
}

function startMinio(port: number, folder: string): ChildProcess {
  const { accessKeyId, secretAccessKey } = s3Credentials;
  return spawn(
    join(ROOT, '.cache/s3-servers/minio'),
    ['server', join(folder, 'data'), '--address', `127.0.0.1:${port}`, '--quiet'],
    {
      stdio: 'ignore',
      env: {
        ...process.env,
        HOME: folder,
        MINIO_ROOT_USER: accessKeyId,
        MINIO_ROOT_PASSWORD: secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    },
  );
}

function startMoto(port: number): ChildProcess {
  const command = join(ROOT, '.cache/s3-servers/moto/bin/moto_server');
  return spawn(command, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
}

/**
 * A folder is a bucket. The metadata are extended attributes, which the file system of the folder has to have: beside
 * the files (`--sidecar`) they come later than the object, and a listing in between leaves the object out.
 */
async function startVersityGw(port: number, folder: string, tls?: Certificate): Promise<ChildProcess> {
  await mkdir(join(folder, 'data', BUCKET), { recursive: true });
  const { accessKeyId, secretAccessKey } = s3Credentials;
  const secure = tls ? ['--cert', tls.certFile, '--key', tls.keyFile] : [];
  const address = ['--port', `127.0.0.1:${port}`, ...secure];
  const args = [...address, '--quiet', '--keep-alive', 'posix', join(folder, 'data')];
  return spawn(join(ROOT, '.cache/s3-servers/versitygw'), args, {
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey },
  });
}

export interface Certificate {
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** An authority of its own, and what it says of 127.0.0.1. */
export async function certify(folder: string): Promise<Certificate> {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args);
  const fresh = (name: string): string[] => ['-newkey', 'rsa:2048', '-nodes', '-keyout', file(`${name}.key`)];
  const subject = (name: string): string[] => ['-subj', `/CN=${name}`];
  await openssl('req', '-x509', ...fresh('ca'), '-out', file('ca.pem'), ...subject('test authority'));
  await openssl('req', ...fresh('server'), '-out', file('server.csr'), ...subject('127.0.0.1'));
  await writeFile(file('names'), 'subjectAltName=IP:127.0.0.1');
  const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('names')];
  await openssl('x509', '-req', '-in', file('server.csr'), ...by, '-out', file('server.pem'));
  return { caFile: file('ca.pem'), certFile: file('server.pem'), keyFile: file('server.key') };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}`);
    if (await connects(port)) return;
    if (tries > 600) throw new Error(`No server answers at port ${port}`);
    await sleep(100);
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
