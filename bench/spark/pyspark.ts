/** The reference in Python, as a process of this one, so that its memory is counted. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [brokers, topic, runs] = process.argv.slice(2) as [string, string, string];
const work = mkdtempSync(join(tmpdir(), 'eventlake-pyspark-'));
const python = spawn(
  join(root, '.cache/spark/venv/bin/python'),
  [join(root, 'bench/spark/reference.py'), brokers, topic, work, join(root, '.cache/spark/jars'), '2', runs],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
python.on('close', (code) => {
  rmSync(work, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});
