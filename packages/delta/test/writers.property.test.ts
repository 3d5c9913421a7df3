import fc from 'fast-check';
import { it } from 'vitest';
import { memoryStore } from '../src/index.js';
import { op, World } from './support/writers.js';

it('whatever several writers do in whatever order, the table is what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 40 }), async (steps) => {
      const world = await World.open(memoryStore());
      for (const step of steps) await world.run(step);
      await world.check();
    }),
    { numRuns: 150 },
  );
});
