import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PTY = fileURLToPath(new URL('./on_terminal.py', import.meta.url));
const BIN = fileURLToPath(new URL('../../../packages/eventlake/bin/eventlake.js', import.meta.url));

/** A real terminal needs Python, which has one. */
export const canOpenTerminal = spawnSync('python3', ['-c', 'import pty, fcntl']).status === 0;

export interface TerminalRun {
  child: ChildProcess;
  /** All that the terminal got so far. */
  output(): string;
  type(keys: string): void;
  ended: Promise<number | null>;
}

/** The built command on a terminal of its own. */
export function onTerminal(args: readonly string[], size: Size, cwd: string): TerminalRun {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(EVENTLAKE_|CI$|NO_COLOR$|FORCE_COLOR$)/.test(name)),
  );
  const command = [PTY, String(size.rows), String(size.columns), process.execPath, BIN, ...args];
  const child = spawn('python3', command, { cwd, env: { ...env, TERM: 'xterm-256color' } });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    child,
    output: () => output,
    type: (keys) => child.stdin.write(keys),
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

export interface Size {
  rows: number;
  columns: number;
}

/** The lines of a terminal that got `output`, those above its upper edge included. As much of a terminal as is used here. */
export function screenOf(output: string, { rows, columns }: Size): string[] {
  const lines: string[] = [''];
  let [row, column] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  for (const [piece, count, action] of output.matchAll(/\x1b\[\??(\d*)(?:;\d+)*([A-Za-z])|[^\x1b]/gu)) {
    if (piece === '\n') {
      row++;
      // A terminal also returns: a pseudo terminal writes \r\n, a stream that is none only \n.
      column = 0;
      while (lines.length <= row) lines.push('');
    } else if (piece === '\r') column = 0;
    else if (action === 'A') row = Math.max(0, lines.length - rows, row - Number(count || 1));
    else if (action === 'J') lines.splice(row, lines.length, lines[row]!.slice(0, column));
    else if (action === 'K') lines[row] = '';
    else if (action === undefined) {
      if (column === columns) {
        row++;
        column = 0;
        while (lines.length <= row) lines.push('');
      }
      lines[row] = lines[row]!.slice(0, column).padEnd(column) + piece + lines[row]!.slice(column + 1);
      column++;
    }
  }
  return lines.map((line) => line.trimEnd());
}
