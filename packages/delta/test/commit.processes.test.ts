import { it } from 'vitest';
import { localStore } from '../src/index.js';
import { eightProcesses } from './support/eight-processes.js';
import { tempFolder } from './support/temp.js';

/** Set it to 60000 to let them run for a minute. */
const RUN_MS = Number(process.env.DELTA_PROCESSES_MS ?? 4000);

it('8 processes append, merge, delete, compact and read: every commit is accounted for, every snapshot adds up', async () => {
  const root = await tempFolder();
  await eightProcesses(localStore(root), root, RUN_MS);
}, 180_000);
