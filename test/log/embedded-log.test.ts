import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { eventLogContract } from '../contracts/event-log.js';

const dir = mkdtempSync(join(tmpdir(), 'eventlake-log-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('embedded event log', () => {
  eventLogContract({
    open: (options) => openEmbeddedLog({ dir, ...options }),
    child: {
      module: new URL('../../packages/eventlake/dist/log/embedded-log.js', import.meta.url).href,
      open: 'openEmbeddedLog',
      options: { dir },
    },
    ownClock: true,
    ownRetention: true,
    wholeAppends: true,
  });
});
