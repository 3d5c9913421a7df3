/**
 * raw-landing of all that is in the log, as the command that a user runs, from its start to its end:
 * `land.ts embedded|<address> <data folder> [bytes a batch]`. Prints its figures.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { watched } from '../lib/watched.js';

const [log = '', dataDir = '', batchBytes] = process.argv.slice(2);
const bin = fileURLToPath(new URL('../../packages/eventlake/bin/eventlake.js', import.meta.url));
const lakehouse = `${dataDir}/lakehouse-${process.pid}`;
const settings = {
  lakehouse,
  ...(log !== 'embedded' && {
    'log.kafka.brokers': log,
    'log.kafka.groupPrefix': `land-${process.pid}`,
  }),
  ...(batchBytes !== undefined && { 'rawLanding.commitBytesMax': batchBytes }),
};
const set = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
const { printed, seconds, cpuSeconds } = await watched(process.execPath, [
  ...[bin, 'run', 'raw-landing', '--once', '--json', '--data-dir', dataDir],
  ...set,
]);
const { rowsIn, batches } = JSON.parse(printed) as { rowsIn: number; batches: number };
const figures = { seconds, cpuSeconds, rows: rowsIn, batches, eventsPerSecond: rowsIn / seconds };
process.stdout.write(`${JSON.stringify(figures)}\n`);
rmSync(lakehouse, { recursive: true, force: true });
