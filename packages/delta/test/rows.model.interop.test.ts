import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTable, localStore, openTable } from '../src/index.js';
import { canonicalRows } from './judges/canonical.js';
import { Judge } from './judges/judge.js';
import { apply, Model, padded, SCHEMA, step } from './support/rows-model.js';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.deltaRs();
});
afterAll(() => judge?.stop());

test.each([
  ['plain', {}, []],
  ['partitioned', {}, ['part']],
  ['with deletion vectors', { 'delta.enableDeletionVectors': 'true' }, ['part']],
])(
  'a table %s holds for delta-rs what a list of rows would hold, after any operations',
  async (_, properties, partitionBy) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const root = await mkdtemp(join(tmpdir(), 'eventlake-model-'));
        try {
          const store = localStore(root);
          const init = {
            schema: SCHEMA,
            partitionBy,
            properties: { ...properties, 'delta.checkpointInterval': '4' },
          };
          const table = await createTable(store, 't', init);
          const other = await openTable(store, 't');
          const model = new Model();
          for (const [i, one] of steps.entries()) {
            // Which of two appends at once was the first is not known here, nor is the version between them.
            const isKnown = one.kind !== 'restore' || model.versions[one.version % model.versions.length];
            if (isKnown) model.land((await apply(table, other, model, one, i)).version);
          }
          const { schema } = await table.snapshot();
          const expected = canonicalRows(padded(model.rows, model.columns), schema);
          const sight = await judge.look(join(root, 't'));
          expect(sight.rows).toEqual(expected);
          expect(sight.count).toBe(expected.length);
        } finally {
          await rm(root, { recursive: true, force: true });
        }
      }),
      { numRuns: 30 },
    );
  },
);
