import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { newFolder } from './support/command.js';

const SCRIPT = fileURLToPath(new URL('./support/full-disk.mjs', import.meta.url));
const BIN = fileURLToPath(new URL('../../packages/eventlake/bin/eventlake.js', import.meta.url));

interface Seen {
  job: string;
  phase: 'before' | 'full' | 'waited' | 'after';
  code: number | null;
  stderr: string;
}

// A small disk of its own, for the child alone: needs root, or user namespaces.
const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

test.skipIf(!canMount)(
  'a full disk: each job says so, and one that is to go on waits for space; nothing is lost',
  async () => {
    const disk = await newFolder();
    const mount = 'mount -t tmpfs -o size=600m none "$1" && exec "$2" "$3" "$1" "$4"';
    const child = spawnSync(
      'unshare',
      ['-rm', 'sh', '-c', mount, 'sh', disk, process.execPath, SCRIPT, BIN],
      { encoding: 'utf8', maxBuffer: 2 ** 28 },
    );
    expect(child.stderr).toBe('');
    const { seen, verified } = JSON.parse(child.stdout) as {
      seen: Seen[];
      verified: { code: number; stdout: string; stderr: string };
    };
    for (const { job, phase, code, stderr } of seen) {
      expect(stderr, `${job}, ${phase}`).not.toMatch(/^\s+at .+[:(]/m);
      if (phase === 'full')
        expect({ job, code, stderr }).toEqual({
          job,
          code: 7,
          stderr: expect.stringMatching(/full|No space/i),
        });
      else expect({ job, phase, code, stderr }).toMatchObject({ job, phase, code: 0 });
      if (phase === 'waited') expect(stderr).toContain('waits for better times');
    }
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['before', 'full', 'waited', 'after']));
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  },
  600_000,
);
