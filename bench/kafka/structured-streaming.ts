/** The reference as a process of this one, so that its memory is counted: `structured-streaming.ts <brokers> <topic> <records a batch>`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watched } from '../lib/watched.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [brokers, topic, batchRecords] = process.argv.slice(2) as [string, string, string];
const work = mkdtempSync(join(tmpdir(), 'eventlake-streaming-'));
const script = join(root, 'bench/spark/structured-streaming.py');
const args = [script, brokers, topic, work, join(root, '.cache/spark/jars'), '2', batchRecords];
try {
  const { printed, seconds, cpuSeconds } = await watched(join(root, '.cache/spark/venv/bin/python'), args, {
    env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1' },
  });
  const figures = JSON.parse(printed.trim().split('\n').at(-1)!) as Record<string, number>;
  process.stdout.write(`${JSON.stringify({ ...figures, seconds, cpuSeconds })}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
