import pc from 'picocolors';
import type { Status } from '../../../status.js';
import { formatCount, formatDuration } from '../../terminal/format.js';
import { STAGE_HEADINGS, stageRows } from '../../terminal/stages.js';
import { renderTable } from '../../terminal/table.js';
import type { ChildState } from './supervisor.js';

export interface Sample {
  /** Of `performance.now()`. */
  atMs: number;
  status: Status;
}

export interface View {
  samples: readonly Sample[];
  states: readonly ChildState[];
  /** Where to look: lines. */
  invitation: readonly string[];
  dataDir: string;
  upMs: number;
}

/** The live view's lines. */
export function renderView({ samples, states, invitation, dataDir, upMs }: View): string[] {
  const latest = samples.at(-1)?.status;
  const [first, ...rest] = STAGE_HEADINGS;
  const rates = latest ? ratesOf(samples) : [];
  const rows = latest
    ? stageRows(latest).map(([stage, ...cells], index) => [stage!, rates[index]!, ...cells])
    : [];
  const table = latest
    ? renderTable([first, 'per second', ...rest], rows).split('\n')
    : [pc.dim('Starting …')];
  return [
    '',
    `${pc.bold('eventlake')}  up ${formatDuration(upMs)}  ${pc.dim(dataDir)}`,
    '',
    ...table,
    '',
    `processes   ${states.map(renderState).join('  ')}`,
    ...invitation,
    pc.dim('Ctrl-C stops; nothing is lost'),
  ];
}

/** Rows a second over the samples, in the order of the table: the log, then the stages. */
function ratesOf(samples: readonly Sample[]): string[] {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const seconds = (last.atMs - first.atMs) / 1000;
  const counts = ({ status }: Sample) => [
    status.log?.appended ?? 0,
    ...status.stages.map(({ rows }) => rows),
  ];
  const before = counts(first);
  return counts(last).map((count, index) =>
    seconds > 0 ? formatCount((count - before[index]!) / seconds) : '',
  );
}

function renderState({ name, status, restarts }: ChildState): string {
  const mark = {
    ready: pc.green('●'),
    starting: pc.yellow('○'),
    'backing-off': pc.red('●'),
    stopped: pc.dim('–'),
  };
  return `${mark[status]} ${name}${restarts > 0 ? pc.dim(` (${restarts} restarts)`) : ''}`;
}
