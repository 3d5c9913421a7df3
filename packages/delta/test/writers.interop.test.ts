import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localStore } from '../src/index.js';
import { Judge } from './judges/judge.js';
import { op, World } from './support/writers.js';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.deltaRs();
});
afterAll(() => judge?.stop());

it('whatever several writers do in whatever order, delta-rs sees the table that the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 40 }), async (steps) => {
      const root = await mkdtemp(join(tmpdir(), 'eventlake-delta-rs-'));
      try {
        const world = await World.open(localStore(root));
        for (const step of steps) await world.run(step);
        await world.check();
        const { version, paths, position } = world.newest;
        expect(await judge.ask('files', { path: join(root, 't'), appId: 'app' })).toEqual({
          version,
          paths,
          position: position ?? null,
        });
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    }),
    { numRuns: 60 },
  );
});
