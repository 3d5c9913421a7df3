import pc from 'picocolors';
import { type ErrorKind, EventlakeError, type Where } from '../../errors.js';

const EXIT_CODE: Readonly<Record<ErrorKind, number>> = {
  invalid: 2,
  'not-found': 3,
  busy: 4,
  fenced: 5,
  'data-loss': 6,
  unavailable: 7,
  corrupt: 8,
  forbidden: 9,
  limit: 10,
  internal: 70,
};

/** Says on stderr what happened, where, and what to do next. @returns the exit code. */
export function reportError(error: unknown, options: { json?: boolean; debug?: boolean }): number {
  const known = asEventlakeError(error);
  const { kind, message, where, hint } = known;
  if (options.json) {
    process.stderr.write(
      `${JSON.stringify({ error: { kind, message, where, ...(hint ? { hint } : {}) } })}\n`,
    );
  } else {
    const place = describeWhere(where);
    process.stderr.write(`${pc.red('error')} ${message}\n`);
    if (place) process.stderr.write(`${pc.dim('where')} ${place}\n`);
    if (hint) process.stderr.write(`${pc.cyan('hint ')} ${hint}\n`);
  }
  if (options.debug) process.stderr.write(`${stackOf(error)}\n`);
  return EXIT_CODE[kind];
}

/** Ends the process when what was written has left it: native code of closed components may keep threads alive. */
export async function endProcess(code: number | string): Promise<never> {
  await new Promise((resolve) => process.stdout.write('', resolve));
  await new Promise((resolve) => process.stderr.write('', resolve));
  process.exit(code);
}

/** Whatever was thrown, as the one class with a kind, a place and a hint. */
export function asEventlakeError(error: unknown): EventlakeError {
  if (error instanceof EventlakeError) return error;
  if (!(error instanceof Error)) return new EventlakeError('internal', String(error));
  const given = error as Error & {
    kind?: string;
    where?: Where;
    path?: string;
    hint?: string;
    code?: string;
  };
  if (given.name === 'StoreError' || given.name === 'DeltaError') {
    const kind = PACKAGE_KINDS[given.kind ?? ''] ?? 'internal';
    const where = given.where ?? (given.path ? { file: given.path } : {});
    return new EventlakeError(kind, given.message, where, given.hint, { cause: error });
  }
  const system = SYSTEM_ERRORS[given.code ?? ''];
  if (system) {
    const where = given.path ? { file: given.path } : {};
    return new EventlakeError(system.kind, given.message, where, system.hint, { cause: error });
  }
  return new EventlakeError(
    'internal',
    given.message || given.name,
    {},
    'This looks like a bug: the same command with --debug shows where.',
    { cause: error },
  );
}

/** The kinds of @eventlake/delta, which stands on its own and has its own. */
const PACKAGE_KINDS: Readonly<Record<string, ErrorKind>> = {
  'not-a-table': 'not-found',
  'no-such-version': 'not-found',
  'not-found': 'not-found',
  contention: 'busy',
  unsupported: 'invalid',
  invalid: 'invalid',
  full: 'unavailable',
  unavailable: 'unavailable',
  forbidden: 'forbidden',
  corrupt: 'corrupt',
};

const SYSTEM_ERRORS: Readonly<Record<string, { kind: ErrorKind; hint: string }>> = {
  ENOSPC: {
    kind: 'unavailable',
    hint: 'The disk is full: free some space; nothing is lost, and the next start goes on.',
  },
  EDQUOT: { kind: 'unavailable', hint: 'The disk quota is used up.' },
  EACCES: { kind: 'forbidden', hint: 'Look at the owner and the mode of that file or folder.' },
  EPERM: { kind: 'forbidden', hint: 'Look at the owner and the mode of that file or folder.' },
  EROFS: { kind: 'forbidden', hint: 'That file system is read-only.' },
  ENOENT: { kind: 'not-found', hint: 'Look at the spelling of the path.' },
  EADDRINUSE: {
    kind: 'busy',
    hint: '`eventlake doctor` says who has the port; --set clickhouse.port=0 takes any free one.',
  },
  EMFILE: { kind: 'limit', hint: 'Raise the limit of open files: ulimit -n 4096.' },
  ECONNREFUSED: { kind: 'unavailable', hint: 'Nothing answers there.' },
};

function describeWhere(where: Where): string {
  return Object.entries(where)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
