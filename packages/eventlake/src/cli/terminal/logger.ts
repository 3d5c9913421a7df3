import pc from 'picocolors';
import { type Logger, pino } from 'pino';
import type { Settings } from '../../config.js';

/** Logs go to stderr: lines for people on a terminal, JSON (pino's) otherwise and with --json. */
export function makeLogger(name: string, level: Settings['logLevel'], json: boolean): Logger {
  const options = { level, base: { pid: process.pid, name }, timestamp: pino.stdTimeFunctions.isoTime };
  if (json || !process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(options, { write: (line: string) => process.stderr.write(`${renderLogLine(line)}\n`) });
}

export interface LogLine {
  level: number;
  /** Of the process. */
  name?: string;
  msg?: string;
}

const HIDDEN = new Set(['level', 'time', 'pid', 'hostname', 'name', 'job', 'msg', 'err']);

/** A line of pino's JSON for people: `10:32:01 raw-landing batch done  batch=12 rowsIn=200`. What is no JSON stays as it is. */
export function renderLogLine(line: string): string {
  const entry = parseLogLine(line);
  if (!entry) return line.trimEnd();
  const time = typeof entry.time === 'string' ? entry.time.slice(11, 19) : '';
  const rest = Object.entries(entry)
    .filter(([key]) => !HIDDEN.has(key))
    .map(
      ([key, value]) => `${pc.dim(`${key}=`)}${typeof value === 'object' ? JSON.stringify(value) : value}`,
    );
  const error = (entry.err as { message?: string } | undefined)?.message;
  return [pc.dim(time), nameOf(entry), entry.msg, error && pc.red(error), ...rest].filter(Boolean).join(' ');
}

export function parseLogLine(line: string): (LogLine & Record<string, unknown>) | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogLine & Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function nameOf({ level, name: given = '' }: LogLine): string {
  const name = given.padEnd(16);
  if (level >= 50) return pc.red(name);
  return level >= 40 ? pc.yellow(name) : pc.cyan(name);
}
