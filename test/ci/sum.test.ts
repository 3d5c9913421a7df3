import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SUM = fileURLToPath(new URL('../../.ci/sum.mjs', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventlake-ci-'));
  await writeFile(join(folder, 'may-skip'), '# why\nneeds a server\tno address given\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function sum(
  reports: Record<string, string[] | undefined>,
): Promise<{ code: number | null; last: string }> {
  await writeFile(join(folder, 'suites'), `${Object.keys(reports).join('\n')}\n`);
  for (const [suite, statuses] of Object.entries(reports)) {
    if (!statuses) continue;
    const assertionResults = statuses.map((entry) => {
      const [status, fullName = 'a test'] = entry.split(':');
      return { status, fullName };
    });
    const report = { testResults: [{ name: 'file', status: 'passed', assertionResults }] };
    await writeFile(join(folder, `${suite}.json`), JSON.stringify(report));
  }
  const { status, stdout } = spawnSync(process.execPath, [SUM, folder, join(folder, 'may-skip')], {
    encoding: 'utf8',
  });
  return { code: status, last: stdout.trim().split('\n').pop()! };
}

test('the tests of all suites are summed', async () => {
  expect(await sum({ one: ['passed', 'passed'], two: ['passed'] })).toEqual({
    code: 0,
    last: '3 passed, 0 failed',
  });
  expect(await sum({ one: ['passed', 'failed'], two: ['failed'] })).toEqual({
    code: 1,
    last: '1 passed, 2 failed',
  });
});

test('a suite that left no report, and no suite at all, are failures', async () => {
  expect(await sum({ one: ['passed'], two: undefined })).toEqual({ code: 1, last: '1 passed, 1 failed' });
  await rm(join(folder, 'suites'));
  expect((await sum({})).code).toBe(1);
});

test('what is skipped without a written reason is a failure', async () => {
  expect(await sum({ one: ['passed', 'pending:serving needs a server'] })).toEqual({
    code: 0,
    last: '1 passed, 0 failed',
  });
  expect(await sum({ one: ['passed', 'pending:something else'] })).toEqual({
    code: 1,
    last: '1 passed, 1 failed',
  });
});
