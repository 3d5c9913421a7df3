import { formatCount, formatDuration } from './format.js';

export interface ProgressPosition {
  done: number;
  /** Without an end in sight there is a count, but no bar. */
  total: number | undefined;
  /** What is counted beside the bar. */
  count: number;
  /** What is being worked on. */
  what?: string;
}

export interface Progress {
  at(position: ProgressPosition): void;
  end(): void;
}

const EVERY_MS = 200;
const BAR_WIDTH = 24;

/** A line on stderr that tells how far it is, where stderr is a terminal; otherwise nothing. */
export function progressReport(): Progress {
  const { stderr } = process;
  if (!stderr.isTTY) return { at: () => {}, end: () => {} };
  const startedMs = performance.now();
  let drawnMs = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    at(position) {
      const nowMs = performance.now();
      if (nowMs - drawnMs < EVERY_MS) return;
      drawnMs = nowMs;
      isDrawn = true;
      stderr.write(`\r\x1b[2K${lineOf(position, nowMs - startedMs).slice(0, (stderr.columns ?? 100) - 1)}`);
    },
    end() {
      if (isDrawn) stderr.write('\r\x1b[2K');
      isDrawn = false;
    },
  };
}

function lineOf({ done, total, count, what }: ProgressPosition, elapsedMs: number): string {
  const rate = `${formatCount(count)} records  ${formatCount((count * 1000) / Math.max(1, elapsedMs))}/s`;
  const name = what ? `  ${what}` : '';
  if (total === undefined) return `${rate}${name}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const left = share > 0 ? `  ${formatDuration((elapsedMs * (1 - share)) / share)} left` : '';
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${Math.floor(share * 100)} %  ${rate}${left}${name}`;
}
