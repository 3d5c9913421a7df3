export type DeltaErrorKind =
  /** There is no table there. */
  | 'not-a-table'
  /** There is a table there already. */
  | 'already-exists'
  /** The version or time asked for is not in the log any more, or not yet. */
  | 'no-such-version'
  /** The log or a data file contradicts the protocol or itself. */
  | 'corrupt'
  /** The table uses a feature that this package does not have. */
  | 'unsupported'
  /** Rows, schema or options that the table cannot take. */
  | 'invalid'
  /** Other writers kept winning until the time allowed was over. */
  | 'contention';

/** What happened, where, and what to do about it. */
export class DeltaError extends Error {
  override readonly name = 'DeltaError';

  constructor(
    readonly kind: DeltaErrorKind,
    message: string,
    readonly where: { table?: string; version?: number; file?: string; line?: number } = {},
    readonly hint?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
