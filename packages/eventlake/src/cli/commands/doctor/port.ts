import { createServer } from 'node:net';
import type { Settings } from '../../../config.js';
import { findEndpoint } from '../../../serving/endpoint/endpoint-file.js';
import { portOwner } from '../../../system/ports.js';
import type { Finding } from './examine.js';

/** Is the server reachable, is our endpoint up, or is its port free? */
export async function portFinding(settings: Settings): Promise<Finding> {
  const { url, host, port } = settings.clickhouse;
  if (url) return serverFinding(url);
  const check = 'endpoint';
  const running = await findEndpoint(settings.dataDir);
  if (running) return { check, status: 'ok', message: `${running.url} answers (process ${running.pid})` };
  const outcome = await tryToListen(host, port);
  if (outcome === undefined) {
    return {
      check,
      status: 'ok',
      message: `${host}:${port} is free; \`eventlake serve\` or \`dev\` will listen there`,
    };
  }
  if (outcome !== 'EADDRINUSE') {
    const remedy = 'Set clickhouse.host to an address of this machine and clickhouse.port to one above 1023.';
    return { check, status: 'fail', message: `cannot listen on ${host}:${port}: ${outcome}`, remedy };
  }
  const owner = await portOwner(port);
  const message = `${host}:${port} is taken${owner ? ` by ${owner}` : ''}`;
  return {
    check,
    status: 'fail',
    message,
    remedy: 'Stop it, or take another port: --set clickhouse.port=0 takes any free one.',
  };
}

async function serverFinding(url: string): Promise<Finding> {
  const check = 'clickhouse';
  if (await answersPing(url)) return { check, status: 'ok', message: `${url} answers` };
  const remedy = 'Start that server, or unset clickhouse.url to use the embedded one.';
  return { check, status: 'fail', message: `${url} does not answer`, remedy };
}

async function answersPing(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/ping', url), { signal: AbortSignal.timeout(2000) });
    return response.ok && (await response.text()).startsWith('Ok');
  } catch {
    return false;
  }
}

/** @returns undefined where it worked, otherwise the system's error code. */
async function tryToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
