import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { crashPoints } from '../../packages/eventlake/src/crash-points.js';

const module = new URL('../../packages/eventlake/dist/crash-points.js', import.meta.url).href;

/** Passes two points in turn, five times, and prints each before it does. */
async function passes(spec: string): Promise<{ signal?: string; stdout: string }> {
  const script = `import { crashPoints } from '${module}';
    import { writeSync } from 'node:fs';
    const crashPoint = crashPoints(${JSON.stringify(spec)});
    for (let i = 0; i < 5; i++) for (const name of ['job:a', 'job:b']) { writeSync(1, name.slice(4)); crashPoint(name); }`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    return { stdout };
  } catch (error) {
    return error as { signal: string; stdout: string };
  }
}

test('without a name nothing ever happens', () => {
  const crashPoint = crashPoints(undefined);
  expect(() => crashPoint('job:a')).not.toThrow();
});

test('the process is killed where it passes the point, for the time that is named', async () => {
  expect(await passes('job:b')).toMatchObject({ signal: 'SIGKILL', stdout: 'ab' });
  expect(await passes('job:a:3')).toMatchObject({ signal: 'SIGKILL', stdout: 'ababa' });
  expect(await passes('job:a:9')).toEqual({ stdout: 'ab'.repeat(5) });
});
