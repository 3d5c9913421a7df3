import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './eventlake.js';

const shop = import.meta.resolve('@eventlake/user-events');
const eventlake = import.meta.resolve('eventlake');
let cwd: string;

/** A pipeline of one's own: the shop's, with what the text changes in its fields. */
async function declare(name: string, fields: string): Promise<string> {
  const path = join(cwd, `${name}.ts`);
  const built = (url: string) => url.replace('/src/index.ts', '/dist/index.js');
  await writeFile(
    path,
    `import shop from ${JSON.stringify(built(shop))};
     import { defineEvent, definePipeline, long, text } from ${JSON.stringify(built(eventlake))};
     const { event } = shop;
     export default definePipeline({ ...shop, event: defineEvent({ ...event, fields: { ...event.fields, ${fields} } }) });`,
  );
  return path;
}

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-plan-'));
  await run(['run', 'producer', '--count', '50', '--rate', '0'], { cwd });
  for (const job of ['raw-landing', 'fast-agg'])
    expect((await run(['run', job, '--once'], { cwd })).code).toBe(0);
}, 120_000);
afterAll(() => rm(cwd, { recursive: true, force: true }));

test('plan tells what is to be done and by whom, apply does it, and then there is nothing to do', async () => {
  const pipeline = await declare('campaign', 'campaign: text().optional()');
  const set = ['--set', `pipeline=${pipeline}`];
  const planned = await run(['plan', ...set], { cwd });
  expect(planned.code, planned.stderr).toBe(1);
  expect(planned.stdout).toMatch(/delta +bronze\.user_events +add column +campaign +string +by every start/);
  const applied = await run(['apply', ...set, '--json'], { cwd });
  expect(applied.code, applied.stderr).toBe(0);
  const again = await run(['plan', ...set, '--json'], { cwd });
  const { changes } = JSON.parse(again.stdout) as { changes: { change: string }[] };
  expect(changes.filter(({ change }) => change !== 'create table')).toEqual([]);
  const old = await run(['plan'], { cwd });
  expect(old.stdout).toMatch(/undeclared column +campaign +string +stays, empty in new rows/);
}, 120_000);

test('what cannot be done ends with code 2, and apply does nothing', async () => {
  await run(['run', 'bronze-to-silver', '--once'], { cwd });
  const set = ['--set', `pipeline=${await declare('text', 'user_id: text().optional()')}`];
  const planned = await run(['plan', ...set, '--json'], { cwd });
  expect(planned.code).toBe(2);
  expect(JSON.parse(planned.stdout)).toMatchObject({ impossible: true });
  const applied = await run(['apply', ...set], { cwd });
  expect(applied.code).toBe(2);
  expect(applied.stderr).toContain('user_id integer → string');
}, 120_000);
