import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../layout/sources.js';

const run = promisify(execFile);

/** A real Spark Connect server with a folder of its own, on a free port. */
export interface SparkServer {
  url: string;
  /** As a power cut would. */
  kill(): Promise<void>;
  /** Again, at the same address. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startSpark(
  options: {
    without?: readonly string[];
    with?: 's3';
    conf?: Readonly<Record<string, string>>;
    env?: Readonly<Record<string, string>>;
    token?: string;
    memory?: string;
  } = {},
): Promise<SparkServer> {
  const dir = await mkdtemp(join(tmpdir(), 'eventlake-spark-'));
  const flags = [
    ...['--dir', dir, '--memory', options.memory ?? '1500m'],
    ...(options.with ? ['--with', options.with] : []),
    ...Object.entries(options.conf ?? {}).flatMap(([key, value]) => ['--conf', `${key}=${value}`]),
    ...(options.without ?? []).flatMap((jar) => ['--without', jar]),
  ];
  const env = {
    ...process.env,
    ...options.env,
    ...(options.token && { SPARK_CONNECT_AUTHENTICATE_TOKEN: options.token }),
  };
  const spark = async (command: string, ...more: string[]) => {
    const { stdout } = await run(join(ROOT, 'scripts/spark'), [command, ...flags, ...more], { env });
    return stdout.trim();
  };
  const url = await spark('start', '--port', '0');
  return {
    url,
    kill: async () => void (await spark('stop', '--kill')),
    restart: async () => void (await spark('start', '--port', new URL(url.replace('sc:', 'http:')).port)),
    close: async () => {
      await spark('stop', '--kill');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
