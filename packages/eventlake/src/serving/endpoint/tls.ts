import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { EventlakeError } from '../../errors.js';

export interface TlsFiles {
  /** PEM: the certificate, then those that signed it. */
  certFile: string;
  /** PEM, without a passphrase. */
  keyFile: string;
}

/** Renewed certificates are looked for this often. */
const LOOK_EVERY_MS = 2000;

/**
 * A server with this certificate, and with its successor once the files have changed: whoever renews certificates need
 * not restart anything. Files that do not fit each other leave the old one in force.
 *
 * @throws EventlakeError `invalid` where the files are none
 */
export function tlsServer(options: ServerOptions, files: TlsFiles, logger: Logger): Server {
  const server = createServer({ ...options, ...read(files), handshakeTimeout: 10_000 });
  const reload = () => {
    try {
      server.setSecureContext(read(files));
      logger.info('the certificate was read again');
    } catch (error) {
      logger.error({ err: error }, 'the new certificate cannot be used; the old one stays in force');
    }
  };
  const watched = [files.certFile, files.keyFile];
  for (const file of watched) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, reload);
  server.once('close', () => {
    for (const file of watched) unwatchFile(file, reload);
  });
  return server;
}

function read({ certFile, keyFile }: TlsFiles): { cert: Buffer; key: Buffer } {
  const pair = { cert: readPem(certFile, 'certFile'), key: readPem(keyFile, 'keyFile') };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw unusable(certFile, 'certFile', `${(cause as Error).message}`, cause);
  }
  return pair;
}

function readPem(file: string, setting: keyof TlsFiles): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw unusable(file, setting, (cause as NodeJS.ErrnoException).code ?? 'it cannot be read', cause);
  }
}

function unusable(file: string, setting: string, why: string, cause: unknown): EventlakeError {
  return new EventlakeError(
    'invalid',
    `The certificate or its key cannot be used: ${why}`,
    { file, setting: `clickhouse.tls.${setting}` },
    'Both are PEM files that belong to each other, the key without a passphrase.',
    { cause },
  );
}
