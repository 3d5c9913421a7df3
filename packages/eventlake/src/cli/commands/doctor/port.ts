import type { Settings } from '../../../config.js';
import { findEndpoint } from '../../../serving/endpoint/endpoint-file.js';
import { mustBeFree } from '../../../system/ports.js';
import { type Finding, failed } from './finding.js';

/** Is the server reachable, is our endpoint up, or is its port free? */
export async function portFinding(settings: Settings): Promise<Finding> {
  const { url, host, port } = settings.clickhouse;
  if (url) return serverFinding(url);
  const check = 'endpoint';
  const running = await findEndpoint(settings.dataDir);
  if (running) return { check, status: 'ok', message: `${running.url} answers (process ${running.pid})` };
  try {
    await mustBeFree({ host, port }, 'clickhouse');
    const message = `${host}:${port} is free; \`eventlake serve\` or \`dev\` will listen there`;
    return { check, status: 'ok', message };
  } catch (error) {
    return failed(check, error);
  }
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
