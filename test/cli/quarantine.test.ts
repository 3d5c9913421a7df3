import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { run } from './eventlake.js';

let cwd: string;

interface Shown {
  stage: string;
  partition: number;
  offset: number;
  reason: string;
  value: string;
  isRedriven: boolean;
}

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-quarantine-'));
  await run(['run', 'producer', '--seed', '3', '--count', '2000', '--rate', '0', '--malformed', '0.2'], {
    cwd,
  });
  expect((await run(['run', 'raw-landing', '--once'], { cwd })).code).toBe(0);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const show = async (...args: string[]) =>
  JSON.parse((await run(['quarantine', 'show', '--json', ...args], { cwd })).stdout) as Shown[];
const placeOf = ({ partition, offset }: Shown) => `${partition}/${offset}`;
const appended = async () =>
  (JSON.parse((await run(['status', '--json'], { cwd })).stdout) as { log: { appended: number } }).log
    .appended;

test('list counts by reason, and the sum is what landing set aside', async () => {
  const { stdout } = await run(['quarantine', 'list', '--json'], { cwd });
  const reasons = JSON.parse(stdout) as { stage: string; reason: string; records: number }[];
  const status = JSON.parse((await run(['status', '--json'], { cwd })).stdout) as {
    stages: { quarantined: number }[];
  };
  expect(reasons.reduce((sum, { records }) => sum + records, 0)).toBe(status.stages[0]!.quarantined);
  expect(status.stages[0]!.quarantined).toBeGreaterThan(0);
  expect((await run(['quarantine', 'list'], { cwd })).stdout).toContain(reasons[0]!.reason);
});

test('show gives a record whole, its bytes alone on stdout', async () => {
  const [record] = await show('--limit', '1', '--reason', 'invalid JSON');
  const { stdout, stderr } = await run(['quarantine', 'show', placeOf(record!)], { cwd });
  expect(stdout).toBe(record!.value);
  expect(stderr).toContain('invalid JSON');
  expect((await run(['quarantine', 'show', '0/999999'], { cwd })).code).toBe(3);
  expect((await run(['quarantine', 'show', 'nonsense'], { cwd })).code).toBe(2);
});

test('a mended record is appended once, and lands in bronze', async () => {
  const [record] = await show('--limit', '1', '--reason', 'invalid JSON');
  const before = await appended();
  await writeFile(
    join(cwd, 'mended.json'),
    '{"event_id":"0b7a3bb4-93a4-4a0f-9c11-0d6a3f5b8a01","source":"web"}',
  );
  const redrive = () => run(['quarantine', 'redrive', placeOf(record!), '--file', 'mended.json'], { cwd });
  expect((await redrive()).stdout).toContain('1 appended');
  const again = await redrive();
  expect([again.code, again.stdout]).toEqual([0, '0 appended, 1 had been redriven before.\n']);
  expect(await appended()).toBe(before + 1);
  expect((await show(placeOf(record!)))[0]!.isRedriven).toBe(true);
  expect((await run(['run', 'raw-landing', '--once', '--json'], { cwd })).stdout).toContain('"rowsOut": 1');
});

test('a field can be set only in what is an object', async () => {
  const [record] = await show('--limit', '1', '--reason', 'invalid JSON');
  const { code, stderr } = await run(['quarantine', 'redrive', placeOf(record!), '--field', 'source=web'], {
    cwd,
  });
  expect(code).toBe(2);
  expect(stderr).toContain('no JSON object');
});

test('many are redriven by their reason, unchanged, once, and only when asked for', async () => {
  const reason = ['--reason', 'duplicate field'];
  const records = await show('--limit', '1000', ...reason);
  expect((await run(['quarantine', 'redrive', ...reason], { cwd })).code).toBe(2);
  expect((await run(['quarantine', 'redrive'], { cwd })).code).toBe(2);
  const { stdout } = await run(['quarantine', 'redrive', ...reason, '--yes', '--json'], { cwd });
  expect(JSON.parse(stdout)).toEqual({ appended: records.length, alreadyRedriven: 0, leftAsTheyAre: 0 });
  await run(['run', 'raw-landing', '--once'], { cwd });
  // Unchanged bytes are set aside again, as new records in new places.
  expect((await show('--limit', '1000', ...reason)).length).toBe(2 * records.length);
});

test('a reason that nothing has is an error; what cannot be mended does not keep the rest', async () => {
  const none = await run(['quarantine', 'redrive', '--reason', 'future', '--yes'], { cwd });
  expect([none.code, none.stdout]).toEqual([3, '']);
  const broken = ['--reason', 'invalid JSON', '--field', 'source=web', '--yes', '--json'];
  const { stdout } = await run(['quarantine', 'redrive', ...broken], { cwd });
  const done = JSON.parse(stdout) as { appended: number; leftAsTheyAre: number };
  expect(done).toEqual({ appended: 0, alreadyRedriven: 0, leftAsTheyAre: done.leftAsTheyAre });
  expect(done.leftAsTheyAre).toBeGreaterThan(1);
});

test('of a topic that was made anew, a rejected record is shown as it was, not as what has its place now', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-quarantine-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const here = ['--data-dir', dataDir];
  const ingest = (id: string) =>
    run(['ingest', '-', ...here], { cwd, input: `{"event_type":"x","event_id":"${id}"}\n` });
  await ingest('first');
  for (const job of ['raw-landing', 'bronze-to-silver']) await run(['run', job, '--once', ...here], { cwd });
  const log = await openEmbeddedLog({ dir: join(dataDir, 'log') });
  await log.deleteTopic('user-events');
  await log.close();
  await ingest('other');
  const { stdout } = await run(['quarantine', 'show', '--json', ...here], { cwd });
  expect(JSON.parse(stdout)).toMatchObject([
    { stage: 'silver', value: expect.stringContaining('"first"') as string },
  ]);
});

test('where nothing is, there is nothing to list', async () => {
  const { code, stderr } = await run(['quarantine', 'list', '--data-dir', 'nowhere'], { cwd });
  expect(code).toBe(3);
  expect(stderr).toContain('Nothing is there yet');
});
