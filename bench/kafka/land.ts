/** raw-landing of all that is in the log: `land.ts embedded|<address> <data folder>`. Prints its figures. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [log = '', dataDir = ''] = process.argv.slice(2);
const bin = fileURLToPath(new URL('../../packages/eventlake/bin/eventlake.js', import.meta.url));
const kafka = log === 'embedded' ? [] : ['--set', `log.kafka.brokers=${log}`];
const lakehouse = ['--set', `lakehouse=${dataDir}/lakehouse-${process.pid}`];
const args = ['run', 'raw-landing', '--once', '--json', '--data-dir', dataDir, ...lakehouse, ...kafka];
const startedMs = performance.now();
const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
let printed = '';
child.stdout.on('data', (chunk) => {
  printed += chunk;
});
const code = await new Promise((resolve) => child.on('close', resolve));
if (code !== 0) throw new Error(`raw-landing ended with ${code}: ${printed}`);
const { rowsIn } = JSON.parse(printed) as { rowsIn: number };
const seconds = (performance.now() - startedMs) / 1_000;
process.stdout.write(`${JSON.stringify({ seconds, eventsPerSecond: rowsIn / seconds })}\n`);
