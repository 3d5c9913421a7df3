import fc from 'fast-check';
import { it } from 'vitest';
import { memoryStore } from '../src/index.js';
import { type Op, op, World } from './support/writers.js';

/** A version was taken, checkpointed and cleaned away within the moment for which a writer relies on its last look. */
const CLEANED_AT_ONCE: Op[] = [
  { kind: 'overwrite', writer: 0 },
  { kind: 'look', writer: 0 },
  { kind: 'append', writer: 1, p: 0, count: 1 },
  { kind: 'append', writer: 1, p: 0, count: 1 },
  { kind: 'checkpoint', writer: 1 },
  { kind: 'clean', writer: 1 },
  { kind: 'delete', writer: 0, p: 0 },
];

it('whatever several writers do in whatever order, the table is what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 40 }), async (steps) => {
      const world = await World.open(memoryStore());
      for (const step of steps) await world.run(step);
      await world.check();
    }),
    { numRuns: 150, examples: [[CLEANED_AT_ONCE]] },
  );
});
