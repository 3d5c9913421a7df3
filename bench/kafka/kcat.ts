/** The other side of `bench/kafka.ts`: kcat (librdkafka), with the same acknowledgements. Same arguments as `ours.ts`. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';

const [command, address = '', topic = '', file = '', compression = 'none'] = process.argv.slice(2);
const consume = [
  '-C',
  '-b',
  address,
  '-t',
  topic,
  '-o',
  'beginning',
  '-e',
  '-q',
  '-X',
  'isolation.level=read_committed',
];
const produce = [
  '-P',
  '-b',
  address,
  '-t',
  topic,
  '-z',
  compression,
  '-l',
  '-X',
  'acks=all',
  '-X',
  'enable.idempotence=true',
  file,
];

const out = openSync('/dev/null', 'w');
const startedMs = performance.now();
const child = spawn('kcat', command === 'consume' ? consume : produce, { stdio: ['ignore', out, 'inherit'] });
const code = await new Promise((resolve) => child.on('close', resolve));
const seconds = (performance.now() - startedMs) / 1_000;
closeSync(out);
if (code !== 0) throw new Error(`kcat ended with ${code}`);
process.stdout.write(`${JSON.stringify({ mbPerSecond: statSync(file).size / 1e6 / seconds })}\n`);
