import { formatCount, formatDuration } from './format.js';

export interface Progress {
  at(done: number): void;
  end(): void;
}

const EVERY_MS = 200;
const BAR_WIDTH = 24;

/** A line on stderr that tells how far it is, where stderr is a terminal; otherwise nothing. */
export function progressReport(total: number | undefined, unit = 'events'): Progress {
  const { stderr } = process;
  // A child of `dev` has no terminal of its own, and without an end in sight there is no bar.
  if (!stderr.isTTY || total === undefined) return { at: () => {}, end: () => {} };
  const startedMs = performance.now();
  let drawnMs = 0;
  const draw = (done: number) => {
    const seconds = (performance.now() - startedMs) / 1000;
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(share * BAR_WIDTH);
    const rate = seconds > 0 ? done / seconds : 0;
    const left = rate > 0 ? formatDuration(((total - done) / rate) * 1000) : '–';
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    stderr.write(
      `\r\x1b[2K${bar} ${Math.floor(share * 100)} %  ${formatCount(done)} of ${formatCount(total)} ${unit}  ${formatCount(rate)}/s  ${left} left`,
    );
  };
  return {
    at(done) {
      const nowMs = performance.now();
      if (nowMs - drawnMs < EVERY_MS) return;
      drawnMs = nowMs;
      draw(done);
    },
    end() {
      stderr.write('\r\x1b[2K');
    },
  };
}
