import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

/** Installs what is not there yet. */
export function setUpClients(): void {
  execFileSync(`${ROOT}scripts/setup-kafka-clients`, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** A function of client.py, by librdkafka. @returns What it printed, a JSON value a line. */
export async function librdkafka(command: string, address: string, parameters: object): Promise<unknown[]> {
  const script = fileURLToPath(new URL('./clients/client.py', import.meta.url));
  const { stdout } = await run(
    `${ROOT}.cache/kafka-clients/bin/python`,
    [script, command, address, JSON.stringify(parameters)],
    { maxBuffer: 1024 * 1024 * 1024 },
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

export function hasKcat(): boolean {
  return spawnSync('kcat', ['-V']).status === 0;
}

export function kcat(args: readonly string[], input: string | Buffer = ''): string {
  return execFileSync('kcat', args, { input, maxBuffer: 1024 * 1024 * 1024 }).toString();
}
