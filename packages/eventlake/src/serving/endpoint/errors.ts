/** An exception in ClickHouse's words: number, name and message, as every client parses them. */
export class ClickHouseException extends Error {
  constructor(
    readonly code: number,
    readonly codeName: string,
    message: string,
    readonly status = statusOf(code),
  ) {
    super(message);
  }

  /** `Code: 60. DB::Exception: … (UNKNOWN_TABLE) (version 26.7.2.1)` */
  text(version: string): string {
    return `Code: ${this.code}. DB::Exception: ${this.message} (${this.codeName}) (version ${version})`;
  }

  /**
   * From an engine's message; clients take the first `(WORD)` as the name, so none is left in the message. A message may
   * repeat data and queries, as long as these are: what looks through it takes linear time, and most of it is cut off.
   */
  static from(error: unknown): ClickHouseException {
    if (error instanceof ClickHouseException) return error;
    const text = error instanceof Error ? error.message : String(error);
    const found = read(text);
    if (found === undefined) return new ClickHouseException(1002, 'UNKNOWN_EXCEPTION', shortened(text));
    let inner: Found | undefined = found;
    let innermost = found;
    for (let depth = 0; inner !== undefined && depth < NESTED_MAX; depth++) {
      innermost = inner;
      inner = read(inner.message.replace(/\.$/, '').replace(/ \(version [\w.]{1,30}\)$/, ''), true);
    }
    return new ClickHouseException(innermost.code, innermost.name, shortened(innermost.message));
  }
}

interface Found {
  code: number;
  name: string;
  message: string;
}

const MESSAGE_MAX = 8192;
const NESTED_MAX = 4;

/** `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`, with whatever before it, or at the start. */
function read(text: string, atStart = false): Found | undefined {
  const head = /Code: (\d{1,9})\. DB::Exception: /.exec(text);
  const tail = /\(([A-Z][A-Z0-9_]{1,100})\)\s{0,9}$/.exec(text.slice(-120));
  if (head === null || tail === null || (atStart && head.index > 0)) return undefined;
  const from = head.index + head[0].length;
  const to = text.length - tail[0].length;
  return { code: Number(head[1]), name: tail[1]!, message: text.slice(from, to).trimEnd() };
}

function shortened(text: string): string {
  return text.length <= MESSAGE_MAX ? text : `${text.slice(0, MESSAGE_MAX)}…`;
}

export const exceptions = {
  requiredPassword: () =>
    new ClickHouseException(194, 'REQUIRED_PASSWORD', 'This user has a password, and none was given', 401),
  authenticationFailed: (user: string) =>
    new ClickHouseException(
      516,
      'AUTHENTICATION_FAILED',
      `${user}: Authentication failed: password is incorrect, or there is no user with such name.`,
      403,
    ),
  severalStatements: () =>
    new ClickHouseException(
      62,
      'SYNTAX_ERROR',
      'Multi-statements are not allowed: send one statement a request',
      400,
    ),
  emptyQuery: () => new ClickHouseException(62, 'SYNTAX_ERROR', 'Empty query', 400),
  cannotDecompress: (why: string) =>
    new ClickHouseException(271, 'CANNOT_DECOMPRESS', `Cannot decompress the request: ${why}`, 400),
  queryTooLarge: (maxBytes: number) =>
    new ClickHouseException(
      62,
      'SYNTAX_ERROR',
      `Max query size exceeded: ${maxBytes} bytes are allowed`,
      413,
    ),
  bodyTooLarge: (maxBytes: number) =>
    new ClickHouseException(
      396,
      'TOO_MANY_ROWS_OR_BYTES',
      `The request body is larger than ${maxBytes} bytes: insert in smaller blocks`,
      413,
    ),
  resultTooLarge: (maxBytes: number) =>
    new ClickHouseException(
      396,
      'TOO_MANY_ROWS_OR_BYTES',
      `Limit for result exceeded, max bytes: ${maxBytes}: ask for less`,
    ),
  tooManyQueries: (running: number, waiting: number) =>
    new ClickHouseException(
      202,
      'TOO_MANY_SIMULTANEOUS_QUERIES',
      `${running} queries are running and ${waiting} are waiting: try again later`,
      503,
    ),
  badParameter: (what: string) => new ClickHouseException(36, 'BAD_ARGUMENTS', what, 400),
  unknownFormat: (format: string) =>
    new ClickHouseException(73, 'UNKNOWN_FORMAT', `Unknown format ${format.slice(0, 100)}`, 404),
  cancelled: () => new ClickHouseException(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled', 500),
  refused: (what: string) => new ClickHouseException(497, 'ACCESS_DENIED', `Readers cannot use ${what}`, 403),
};

/** As ClickHouse's `exceptionCodeToHTTPStatus`. */
function statusOf(code: number): number {
  if ([36, 6, 25, 26, 27, 38, 41, 62, 72, 117, 157, 158, 167, 168, 53, 69, 70, 43, 42, 456].includes(code))
    return 400;
  if (code === 497 || code === 516) return 403;
  if ([16, 46, 47, 50, 56, 60, 63, 73, 81, 115].includes(code)) return 404;
  if (code === 159) return 408;
  if (code === 48) return 501;
  if (code === 202) return 503;
  return 500;
}
