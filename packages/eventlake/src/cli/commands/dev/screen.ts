import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import type { Settings } from '../../../config.js';
import type { Status, StatusReader } from '../../../status.js';
import type { ChildMessage } from '../../stop-signal.js';
import { formatCount, formatDuration } from '../../terminal/format.js';
import { parseLogLine, renderLogLine } from '../../terminal/logger.js';
import { remark } from '../../terminal/streams.js';
import { liveArea } from './live-area.js';
import type { ChildState } from './supervisor.js';
import { renderView, type Sample } from './view.js';

export interface Screen {
  start(states: () => readonly ChildState[]): void;
  line(name: string, line: string): void;
  message(name: string, message: ChildMessage): void;
  exit(name: string, code: number | null, signal: NodeJS.Signals | null, retryInMs: number | undefined): void;
  stopping(): void;
  stopped(end: {
    durationMs: number;
    killed: string[];
    failure: { name: string; code: number } | undefined;
  }): Promise<void>;
}

export interface ScreenOptions {
  settings: Settings;
  status: StatusReader;
  /** Queries to try, the better ones first. */
  queries: readonly string[];
  json: boolean;
  /** A live view, where stderr is a terminal. */
  live: boolean;
}

const VIEW_EVERY_MS = 1_000;
const LINE_EVERY_MS = 5_000;
/** For the last look at the status: where brokers are away it may take a minute to find that out. */
const LAST_LOOK_MS = 500;
/** Rates are those of the last seconds. */
const SAMPLES_MAX = 6;

/**
 * What `dev` shows: a live view on a terminal, with warnings above it; otherwise a line now and then, and whatever the
 * children have to say beside their batches. With --json, all their log lines as they are.
 */
export function openScreen({ settings, status, queries, json, live }: ScreenOptions): Screen {
  const area = live && !json && process.stderr.isTTY ? liveArea(process.stderr) : undefined;
  const startedMs = Date.now();
  const samples: Sample[] = [];
  /** The last error of each child, to be told when it ends for good. */
  const lastError = new Map<string, string>();
  let url = settings.clickhouse.url;
  let states: () => readonly ChildState[] = () => [];
  let isDirty = true;
  let timer: NodeJS.Timeout | undefined;
  let isStopping = false;
  let isDone = false;

  const say = (line: string) => (area ? area.above(line) : remark(line));

  async function sample(): Promise<Status | undefined> {
    // Nothing has been committed since: nothing needs to be read.
    if (!isDirty && samples.length > 0) return samples.at(-1)!.status;
    isDirty = false;
    try {
      return await status.read();
    } catch (error) {
      // Whoever has stopped has closed what it is read from.
      if (!isStopping) say(pc.dim(`status cannot be read: ${(error as Error).message}`));
      return undefined;
    }
  }

  async function refresh(): Promise<void> {
    const read = await sample();
    if (read) samples.push({ atMs: performance.now(), status: read });
    if (samples.length > SAMPLES_MAX) samples.shift();
    const view = {
      samples,
      states: states(),
      invitation: url ? invitation(url, queries, process.stderr.columns ?? 120) : [],
      dataDir: settings.dataDir,
      upMs: Date.now() - startedMs,
    };
    if (isDone) return;
    if (area) area.draw(renderView(view));
    else if (!json && read) remark(statusLine(samples));
  }

  function loop(): void {
    if (isStopping) return;
    timer = setTimeout(() => refresh().finally(loop), area ? VIEW_EVERY_MS : LINE_EVERY_MS);
  }

  return {
    start(current) {
      states = current;
      if (area) void refresh().finally(loop);
      else loop();
    },
    line(name, line) {
      if (json) return remark(line);
      const entry = parseLogLine(line);
      if (entry?.error) {
        const { message, hint } = entry.error as { message: string; hint?: string };
        lastError.set(name, hint ? `${message}\n${pc.cyan('hint ')} ${hint}` : message);
        return say(`${pc.red(name.padEnd(16))} ${message}`);
      }
      const isNoise = entry && entry.level <= 30 && (area || entry.batch !== undefined);
      if (!isNoise) say(renderLogLine(line));
    },
    message(_, message) {
      isDirty = true;
      if (message.type !== 'ready' || !message.url) return;
      url = message.url;
      if (!area && !json) for (const line of invitation(url, queries, Number.POSITIVE_INFINITY)) remark(line);
    },
    exit(name, code, signal, retryInMs) {
      if (json) return;
      const how = signal ? `was killed (${signal})` : `ended with ${code}`;
      const next = retryInMs === undefined ? '' : `, starts again in ${formatDuration(retryInMs)}`;
      say(pc.yellow(`${name} ${how}${next}`));
    },
    stopping() {
      isStopping = true;
      clearTimeout(timer);
      if (!json) say(pc.dim('Stopping … (Ctrl-C again: at once)'));
    },
    async stopped({ durationMs, killed, failure }) {
      isDirty = true;
      await Promise.race([refresh(), sleep(LAST_LOOK_MS, undefined, { ref: false })]);
      isDone = true;
      area?.done();
      if (json) return;
      if (killed.length > 0)
        remark(`Not done in time and killed: ${killed.join(', ')}. The next start replays their batch.`);
      if (failure)
        remark(
          `${pc.red('error')} ${failure.name}: ${lastError.get(failure.name) ?? `it ended with ${failure.code}`}`,
        );
      else
        remark(
          `Stopped in ${formatDuration(durationMs)}. Nothing is lost: the next start goes on from here.`,
        );
    },
  };
}

/** Where to look now: the first query that fits into a line, since one that is cut off cannot be copied. */
export function invitation(url: string, queries: readonly string[], columns: number): string[] {
  const lines = queries.map((query) => `try         npx eventlake query "${query}"`);
  return [`ClickHouse  ${pc.cyan(url)}`, lines.find(({ length }) => length <= columns) ?? lines.at(-1)!];
}

function statusLine(samples: readonly Sample[]): string {
  const { status } = samples.at(-1)!;
  const stages = status.stages.map(
    ({ stage, rows, lag }) => `${stage} ${formatCount(rows)}${lag > 0 ? ` (+${formatCount(lag)})` : ''}`,
  );
  return `${pc.dim(new Date().toISOString().slice(11, 19))} log ${formatCount(status.log?.appended ?? 0)} → ${stages.join(' → ')}`;
}
