import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../log/support/seeded-random.js';
import { events, text, workplace } from './support/inputs.js';

const CHILD = fileURLToPath(new URL('./support/ingest-file.mjs', import.meta.url));

test('kill -9 at random moments while the file grows: every line is there exactly once, in its order', async () => {
  const random = seededRandom();
  const { path, lines } = await workplace();
  const file = path('events.ndjson');
  let written = 0;
  for (let round = 0; round < 25; round++) {
    const more = Math.floor(random() * 30_000);
    appendFileSync(file, text(events(written, written + more)));
    written += more;
    const child = start(path('log'), file);
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    await new Promise((resolve) => setTimeout(resolve, random() * 120));
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const seen = await lines();
    expect(seen).toEqual(events(0, seen.length));
  }
  const [code] = (await once(start(path('log'), file), 'exit')) as [number];
  expect(code).toBe(0);
  expect(await lines()).toEqual(events(0, written));
});

function start(log: string, file: string) {
  const child = spawn(process.execPath, [CHILD, log, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
