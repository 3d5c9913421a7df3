import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { liveArea } from '../../packages/eventlake/src/cli/commands/dev/live-area.js';
import { invitation } from '../../packages/eventlake/src/cli/commands/dev/screen.js';
import { renderView } from '../../packages/eventlake/src/cli/commands/dev/view.js';
import type { Status } from '../../packages/eventlake/src/status.js';
import { canOpenTerminal, onTerminal, type Size, screenOf, type TerminalRun } from './support/terminal.js';

vi.setConfig({ testTimeout: 180_000 });

let cwd: string;
const runs: TerminalRun[] = [];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-terminal-'));
});
afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
  }
  await rm(cwd, { recursive: true, force: true });
});

function open(args: readonly string[], size: Size): TerminalRun {
  const run = onTerminal(args, size, cwd);
  runs.push(run);
  return run;
}

async function until(isSo: () => boolean, run: TerminalRun): Promise<void> {
  while (!isSo()) {
    if (run.child.exitCode !== null) throw new Error(run.output());
    await sleep(50);
  }
}

describe.skipIf(!canOpenTerminal)('on a terminal', () => {
  test('dev draws one view again and again, until Ctrl-C ends it with what was last', async () => {
    const size = { rows: 40, columns: 130 };
    const run = open(['dev', '--port', '0', '--rate', '500'], size);
    const lineOf = (name: string) => screenOf(run.output(), size).find((line) => line.startsWith(`${name} `));
    const counted = (name: string) => /[1-9]/.test(lineOf(name)?.slice(name.length) ?? '');
    await until(() => ['log', 'raw-landing', 'silver-to-gold', 'fast-agg'].every(counted), run);
    await until(() => (lineOf('processes')?.match(/●/g) ?? []).length === 6, run);
    const screen = screenOf(run.output(), size);
    expect(screen.filter((line) => line.startsWith('eventlake  up'))).toHaveLength(1);
    expect(screen.find((line) => line.startsWith('ClickHouse'))).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    expect(run.output().match(/eventlake\S* {2}up/g)!.length).toBeGreaterThan(1);
    run.type('\x03');
    expect(await run.ended).toBe(0);
    const last = screenOf(run.output(), size);
    expect(last.filter((line) => line.startsWith('eventlake  up'))).toHaveLength(1);
    expect(last.filter(Boolean).at(-1)).toMatch(/^Stopped in .*Nothing is lost/);
  });

  test('ingest draws a bar in one line, and leaves the result alone behind', async () => {
    const size = { rows: 20, columns: 100 };
    writeFileSync(join(cwd, 'events.ndjson'), '{"event_type":"click","page":"/"}\n'.repeat(150_000));
    const run = open(['ingest', 'events.ndjson'], size);
    expect(await run.ended).toBe(0);
    const bars = run.output().match(/[█░]+ \d+ %/g) ?? [];
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(bar.indexOf(' ')).toBe(24);
    expect(screenOf(run.output(), size).filter(Boolean)).toEqual([
      expect.stringMatching(/^150,000 records ingested/),
    ]);
  });

  test('a bar fits into a narrow terminal', async () => {
    const size = { rows: 20, columns: 30 };
    writeFileSync(join(cwd, 'events.ndjson'), '{"event_type":"click","page":"/"}\n'.repeat(50_000));
    const run = open(['ingest', 'events.ndjson'], size);
    expect(await run.ended).toBe(0);
    const frames = run
      .output()
      .split('\r')
      .filter((one) => /[█░]/.test(one));
    const shown = frames.map((frame) => screenOf(frame, { rows: 1, columns: 1000 }).join(''));
    expect(shown.filter((frame) => frame.length >= size.columns)).toEqual([]);
    expect(screenOf(run.output(), size).join('')).not.toContain('█');
  });
});

describe('the view of dev', () => {
  const status = (appended: number): Status => ({
    log: { topic: 'events', appended, kept: appended, partitions: [] },
    stages: [
      { stage: 'raw-landing', rows: appended - 10, quarantined: 1, lag: 10 },
      { stage: 'bronze-to-silver', rows: 5, quarantined: 0, duplicates: 2, lag: 0 },
      { stage: 'silver-to-gold', rows: 5, lag: 0 },
      { stage: 'fast-agg', rows: appended, lag: 0 },
    ],
    tables: [],
  });
  const view = (appended: number) =>
    renderView({
      samples: [
        { atMs: 0, status: status(appended - 300) },
        { atMs: 2000, status: status(appended) },
      ],
      states: ['serve', 'raw-landing'].map((name) => ({ name, status: 'ready', pid: 1, restarts: 0 })),
      invitation: [`try  ${'x'.repeat(200)}`],
      dataDir: './.eventlake',
      upMs: 5000,
    });

  function terminal(size: Size) {
    const stream = Object.assign(new PassThrough(), size);
    let output = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    return { area: liveArea(stream as unknown as NodeJS.WriteStream), screen: () => screenOf(output, size) };
  }

  test.each([
    { rows: 50, columns: 160 },
    { rows: 12, columns: 40 },
    { rows: 2, columns: 10 },
  ])('in $rows rows of $columns columns: frames replace each other, lines above stay', (size) => {
    const { area, screen } = terminal(size);
    area.draw(view(1000));
    area.above('first');
    area.draw(view(2000));
    area.above('second');
    area.draw(view(3000));
    const expected = terminal(size);
    expected.area.draw(view(3000));
    expect(screen()).toEqual(['first', 'second', ...expected.screen()]);
    expect(screen().every((line) => line.length <= size.columns)).toBe(true);
  });

  test('rates are those of the last seconds', () => {
    const line = view(1000).find((one) => one.startsWith('log '));
    expect(line).toMatch(/^log +150 +1,000/);
  });
});

test('the query that `dev` invites to try is never cut off, so that it can be copied', () => {
  const queries = ['SELECT a, sum(b) FROM c GROUP BY a', 'SELECT * FROM c'];
  const [, wide] = invitation('http://127.0.0.1:1', queries, 100);
  expect(wide).toBe('try         npx eventlake query "SELECT a, sum(b) FROM c GROUP BY a"');
  expect(invitation('http://127.0.0.1:1', queries, wide!.length)[1]).toBe(wide);
  const [, narrow] = invitation('http://127.0.0.1:1', queries, wide!.length - 1);
  expect(narrow).toBe('try         npx eventlake query "SELECT * FROM c"');
});
