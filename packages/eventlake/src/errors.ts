/** A handful of kinds, each of which tells the user what sort of thing to do; the command line maps them to exit codes. */
export type ErrorKind =
  /** The command, a setting, a file or a row is wrong: the user mends it. */
  | 'invalid'
  /** What was asked for is not there. */
  | 'not-found'
  /** Another process holds it: a port, the data folder, a job. */
  | 'busy'
  /** Another instance of the job planned this batch first: stop, or stand by. */
  | 'fenced'
  /** Records or files that should be there are gone. */
  | 'data-loss'
  /** A disk is full, a folder cannot be written, a server cannot be reached. */
  | 'unavailable'
  /** Stored data contradicts itself. */
  | 'corrupt'
  /** The credentials do not suffice. */
  | 'forbidden'
  /** A bound was reached: size, time, memory. */
  | 'limit'
  /** A bug of ours. */
  | 'internal';

export interface Where {
  file?: string;
  line?: number;
  table?: string;
  topic?: string;
  partition?: number;
  offset?: number;
  setting?: string;
  job?: string;
  batch?: number;
  url?: string;
}

/** What happened, where, and what to do next. The one class that this project throws. */
export class EventlakeError extends Error {
  override readonly name = 'EventlakeError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly where: Where = {},
    readonly hint?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
