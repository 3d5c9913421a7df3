import type { Status } from '../../status.js';
import { formatCount, formatDuration } from './format.js';

export const STAGE_HEADINGS = ['stage', 'rows', 'set aside', 'duplicates', 'lag', 'last batch'] as const;

/** The way of an event, a row a stage. */
export function stageRows(status: Status, nowMs = Date.now()): string[][] {
  const log = ['log', formatCount(status.log?.appended ?? 0), '', '', '', ''];
  const stages = status.stages.map(({ stage, rows, quarantined, duplicates, lag, lastBatch }) => [
    stage,
    formatCount(rows),
    quarantined === undefined ? '' : formatCount(quarantined),
    duplicates === undefined ? '' : formatCount(duplicates),
    formatCount(lag),
    lastBatch ? `${formatCount(lastBatch.batch)}, ${ago(lastBatch.plannedAt, nowMs)}` : 'none yet',
  ]);
  return [log, ...stages];
}

function ago(at: string, nowMs: number): string {
  return `${formatDuration(Math.max(0, nowMs - Date.parse(at)))} ago`;
}
