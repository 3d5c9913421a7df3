import { ClickHouseError } from '@clickhouse/client';
import { type ErrorKind, EventlakeError, type Where } from '../errors.js';

/** ClickHouse's number and message as an EventlakeError. */
export function fromClickHouse(error: unknown, where: Where): EventlakeError {
  if (error instanceof EventlakeError) return error;
  if (error instanceof ClickHouseError) {
    const [kind, hint] = kindOf(Number(error.code));
    return new EventlakeError(
      kind,
      `ClickHouse: ${error.message} (${error.type}, code ${error.code})`,
      where,
      hint,
      {
        cause: error,
      },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new EventlakeError(
    'unavailable',
    `ClickHouse does not answer: ${message}`,
    where,
    'is the server, or `eventlake serve`, running and reachable?',
    { cause: error },
  );
}

/** Worth another try: the server is away, starting, or full. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ClickHouseError) return PASSING.has(Number(error.code));
  if (error instanceof EventlakeError) return false;
  const { code, message } = error as NodeJS.ErrnoException;
  return (
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'].includes(code ?? '') ||
    /socket hang up|other side closed|timeout error/i.test(message ?? '')
  );
}

/**
 * Too many queries, or parts; and where tables are replicated: read-only while Keeper is away, Keeper itself, and an
 * insert of which nobody knows whether it is in, which its token answers.
 */
const PASSING = new Set([202, 242, 252, 319, 999]);

function kindOf(code: number): [ErrorKind, string | undefined] {
  if (PASSING.has(code)) return ['unavailable', 'this passes by itself; if it does not, look at the server'];
  switch (code) {
    case 192:
    case 193:
    case 194:
    case 516:
      return ['forbidden', 'check clickhouse.user and clickhouse.password'];
    case 164:
    case 497:
      return ['forbidden', 'this user may not do that'];
    case 60:
    case 81:
      return ['not-found', undefined];
    case 159:
    case 241:
    case 307:
    case 396:
      return ['limit', 'ask for less, or raise the limit'];
    case 469:
      return [
        'invalid',
        'a later batch was counted there: where no other instance is at work, `eventlake run fast-agg --once --full-refresh` counts anew',
      ];
    case 243:
      return ['unavailable', 'the disk is full: make room'];
    default:
      return ['invalid', undefined];
  }
}
