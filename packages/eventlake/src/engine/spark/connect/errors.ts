import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorKind, EventlakeError, type Where } from '../../../errors.js';

/** Whether only the connection broke, and the statement may well go on. */
export function isBroken(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  return (
    [Code.Unavailable, Code.Aborted].includes(error.code) ||
    ([Code.Internal, Code.Canceled].includes(error.code) &&
      /RST_STREAM|http\/2|ECONN|stream|DISCONNECTED/i.test(error.rawMessage) &&
      !isSaidBySpark(error))
  );
}

/** The connection broke before the server had the statement, or it never came up: it can be sent again. */
export function wasNeverReceived(error: unknown): boolean {
  return error instanceof ConnectError && error.rawMessage.includes('INVALID_HANDLE.OPERATION_NOT_FOUND');
}

/** Its texts hold any word, like "Structured Streaming" where Kafka's jar is missing; its details come with none of the others. */
function isSaidBySpark(error: ConnectError): boolean {
  return error.details.length > 0 || /\[[A-Z_]+(\.[A-Z_]+)?\]/.test(error.rawMessage);
}

/** What the server, or the way to it, says, as an error of ours that says what to do. */
export function sparkError(error: unknown, url: string, where: Where = {}): unknown {
  if (!(error instanceof ConnectError)) return error;
  const message = firstLine(error.rawMessage);
  const byText = RULES.find(({ when }) => when.test(error.rawMessage));
  const rule = byText ?? CODES[isBroken(error) ? Code.Unavailable : error.code];
  if (!rule)
    return new EventlakeError('internal', `Spark: ${message}`, { url, ...where }, undefined, {
      cause: error,
    });
  const text = rule.text ?? `Spark: ${message}`;
  return new EventlakeError(rule.kind, text, rule.atServer ? { url, ...where } : where, rule.hint, {
    cause: error,
  });
}

interface Rule {
  kind: ErrorKind;
  text?: string;
  hint?: string;
  /** Where is the server, rather than the statement. */
  atServer?: boolean;
}

const CODES: Partial<Record<Code, Rule>> = {
  [Code.Unavailable]: {
    kind: 'unavailable',
    atServer: true,
    text: 'No Spark Connect server answers',
    hint: 'Start one (`scripts/spark start` for a local one), or mend `spark.url`. Work goes on from there.',
  },
  [Code.DeadlineExceeded]: {
    kind: 'unavailable',
    atServer: true,
    text: 'The Spark Connect server does not answer in time',
    hint: 'Look at the server, or raise spark.connectTimeoutMs.',
  },
  [Code.Unauthenticated]: {
    kind: 'forbidden',
    atServer: true,
    text: 'The Spark Connect server does not accept the token',
    hint: 'Set spark.token (EVENTLAKE_SPARK_TOKEN) to the one that the server wants.',
  },
  [Code.PermissionDenied]: {
    kind: 'forbidden',
    atServer: true,
    hint: 'Set spark.token (EVENTLAKE_SPARK_TOKEN) to one with the rights for it.',
  },
  [Code.Unimplemented]: {
    kind: 'invalid',
    atServer: true,
    text: 'What answers is no Spark Connect server, or an old one',
    hint: 'It has to be Spark 4.2 or later.',
  },
  [Code.ResourceExhausted]: {
    kind: 'limit',
    atServer: true,
    hint: 'Raise spark.connect.grpc.maxInboundMessageSize.',
  },
  [Code.Canceled]: { kind: 'unavailable', atServer: true, text: 'Spark interrupted the statement' },
};

const JARS = 'Start the server with the jars that deploy/spark names; `scripts/spark start` does.';

/** By what Spark's messages say; the first that fits. */
const RULES: readonly (Rule & { when: RegExp })[] = [
  {
    when: /INVALID_HANDLE\.(SESSION|OPERATION)_|SESSION_(CHANGED|NOT_FOUND|CLOSED)/,
    kind: 'unavailable',
    atServer: true,
    text: 'The Spark Connect server has lost the session: it was restarted, or has dropped it',
    hint: 'Nothing was committed. The batch is repeated at the next start.',
  },
  {
    when: /self-signed certificate|unable to (verify|get)\b.*certificate|certificate has expired|certificate's altnames/i,
    kind: 'forbidden',
    atServer: true,
    text: "The Spark Connect server's certificate is not trusted",
    hint: 'Set spark.caFile to the authority that signed it, and spark.url to the name that it is for.',
  },
  {
    when: /(Failed to find (the )?data source|DATA_SOURCE_NOT_FOUND|ClassNotFoundException).*\bdelta\b/is,
    kind: 'invalid',
    atServer: true,
    text: 'The Spark server cannot read Delta tables: it lacks the jar of delta-spark',
    hint: JARS,
  },
  {
    when: /(Failed to find (the )?data source|DATA_SOURCE_NOT_FOUND|ClassNotFoundException).*\bkafka\b/is,
    kind: 'invalid',
    atServer: true,
    text: 'The Spark server cannot read Kafka: it lacks the jar of spark-sql-kafka-0-10',
    hint: JARS,
  },
  {
    when: /No FileSystem for scheme|UnsupportedFileSystemException|Class org\.apache\.hadoop\.fs\.s3a/,
    kind: 'invalid',
    atServer: true,
    text: 'The Spark server does not know the kind of store that the tables lie in',
    hint: 'Start it with hadoop-aws of its own Hadoop version for s3://.',
  },
  {
    when: /DELTA_(TABLE_NOT_FOUND|PATH_DOES_NOT_EXIST|MISSING_DELTA_TABLE|VERSION_NOT_FOUND|MISSING_TRANSACTION_LOG)|PATH_NOT_FOUND|is not a Delta table/i,
    kind: 'unavailable',
    atServer: true,
    text: 'Spark does not see the tables that this process sees',
    hint: 'Server and executors need the same store: a shared folder under the same path, or s3://.',
  },
  {
    when: /OffsetOutOfRange|Some data may have been lost|KAFKA_DATA_LOSS/i,
    kind: 'data-loss',
    text: 'Kafka has removed records that were not read yet',
  },
  {
    when: /OutOfMemoryError|Java heap space|GC overhead/,
    kind: 'limit',
    atServer: true,
    text: 'Spark is out of memory',
    hint: 'Give the server or its executors more: spark.driver.memory, spark.executor.memory.',
  },
  { when: /No space left on device/, kind: 'unavailable', atServer: true, text: "A disk of Spark's is full" },
  {
    when: /\[(PARSE_|UNRESOLVED_|TABLE_OR_VIEW_NOT_FOUND|MISSING_|DATATYPE_MISMATCH|CAST_|ARITHMETIC_|DIVIDE_|NUM_COLUMNS|INVALID_|UNSUPPORTED_|AMBIGUOUS_|INCOMPATIBLE_|RECURSIVE_)/,
    kind: 'invalid',
  },
];

function firstLine(message: string): string {
  return message.trim().split('\n', 1)[0]!;
}
