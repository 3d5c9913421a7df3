import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type PeerCertificate } from 'node:tls';
import { createClient } from '@clickhouse/client';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { findEndpoint } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { temporaryFolder } from './processes.js';

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);
const files = { certFile: fixture('tls-one.cert.pem'), keyFile: fixture('tls-one.key.pem') };

async function serve(tls = files, lines: string[] = []) {
  const dataDir = await temporaryFolder();
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const reader = { password: 'geheim' };
  const endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger, tls, reader });
  onTestFinished(() => endpoint.close());
  return { dataDir, url: endpoint.url, logger };
}

test('a client that trusts the certificate reads, one that does not is refused', async () => {
  const { url } = await serve();
  expect(url).toMatch(/^https:/);
  const ca_cert = await readFile(files.certFile);
  const options = { url, username: 'reader', password: 'geheim', log: { level: 127 } } as const;
  const client = createClient({ ...options, tls: { ca_cert } });
  const rows = await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' });
  expect(await rows.json()).toEqual([{ one: 1 }]);
  await client.close();
  const stranger = createClient(options);
  expect((await stranger.ping()).success).toBe(false);
  await stranger.close();
});

test('nobody gets an answer without TLS there', async () => {
  const { url } = await serve();
  await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
});

test('jobs of the data folder reach it without trusting anything', async () => {
  const { dataDir, logger } = await serve();
  expect((await findEndpoint(dataDir))?.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  const settings = { clickhouse: { host: '127.0.0.1', port: 0, tls: {} }, lakehouse: '/nowhere' };
  const serving = await connectServing({ settings, dataDir, logger });
  expect(await serving.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await serving.close();
});

test('a renewed certificate is taken without a restart, and a broken one is not', async () => {
  const folder = await temporaryFolder();
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  await copyFile(files.certFile, tls.certFile);
  await copyFile(files.keyFile, tls.keyFile);
  const lines: string[] = [];
  const { url } = await serve(tls, lines);
  expect(await nameOf(url)).toBe('eventlake test one');
  await writeFile(tls.certFile, 'no certificate');
  await until(() => lines.some((line) => line.includes('the old one stays in force')));
  expect(await nameOf(url)).toBe('eventlake test one');
  await copyFile(fixture('tls-two.cert.pem'), tls.certFile);
  await copyFile(fixture('tls-two.key.pem'), tls.keyFile);
  await until(async () => (await nameOf(url)) === 'eventlake test two');
});

test('files that are no certificate, or not there, are said before anything listens', async () => {
  const wrong = { ...files, keyFile: fixture('tls-two.key.pem') };
  await expect(serve(wrong)).rejects.toMatchObject({ kind: 'invalid' });
  const missing = { ...files, certFile: '/nowhere/cert.pem' };
  await expect(serve(missing)).rejects.toMatchObject({ where: { file: '/nowhere/cert.pem' } });
});

test('a password in the URL is never logged, whatever becomes of the request', async () => {
  const lines: string[] = [];
  const { url } = await serve(files, lines);
  const ca = await readFile(files.certFile);
  for (const query of ['SELECT+1', 'SELECT+nothing', 'SELECT+throwIf(1)', '%00%ff']) {
    for (const password of ['geheim', 'verkehrt-geheim']) {
      const request = get(`${url}/?user=reader&password=${password}&query=${query}`, { ca });
      const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
      response.resume();
      await once(response, 'end');
    }
  }
  expect(lines.join('')).not.toContain('geheim');
});

async function nameOf(url: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate() as PeerCertificate;
  socket.destroy();
  return String(subject.CN);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(100);
}
