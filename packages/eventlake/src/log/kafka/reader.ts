import { crc32c } from '@node-rs/crc32';
import { EventlakeError } from '../../errors.js';
import { beyondEnd, madeAnew, removedByRetention } from '../checks.js';
import type { OffsetRange, RecordBlock } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { decompress, loadCodec } from './compression/codec.js';
import { kafkaError, mayPass, pause } from './kafka-error.js';
import type { Connection } from './protocol/connection.js';
import { code } from './protocol/error-codes.js';
import { type FetchedPartition, fetchById, fetchByName } from './protocol/record-apis.js';
import { AbortedTransactions, type BatchHeader, batchesIn } from './records/batches.js';
import { BlockBuilder } from './records/block-builder.js';
import { BATCH_HEADER_BYTES } from './records/encode.js';
import { offsetsOf } from './topics.js';

/** Of one answer, compressed: two are held at a time, the one that is read and the one on its way. */
const FETCH_BYTES_MAX = 4 * 1024 * 1024;
/** Of one answer where blocks are short: who asks for those may want a look and no more. */
const FETCH_BYTES_MIN = 64 * 1024;
/** Of one record batch when it is unpacked. Kafka's own default is a megabyte; more is a mistake, or meant ill. */
const BATCH_BYTES_MAX = 256 * 1024 * 1024;
const MAX_WAIT_MS = 500;

export interface ReadRequest {
  topic: string;
  topicId: string;
  range: OffsetRange;
  blockBytesMax: number;
  keysAndHeaders: boolean;
  signal: AbortSignal | undefined;
  /** How long a partition may be without a leader, or its broker away. */
  retryTimeoutMs: number;
}

/** The committed records of a range. While one answer is turned into blocks, the next is on its way. */
export async function* readRange(cluster: Cluster, request: ReadRequest): AsyncGenerator<RecordBlock> {
  const { topic, range, signal } = request;
  const builder = new BlockBuilder(range.partition, request.blockBytesMax, request.keysAndHeaders);
  const fetcher = new Fetcher(cluster, request);
  try {
    let next = range.from;
    let answer = next < range.to ? fetcher.fetch(next) : undefined;
    while (answer) {
      const { records, aborted } = await answer;
      const batches = batchesIn(records);
      const after = (batches.at(-1)?.lastOffset ?? -1) + 1;
      if (after <= next) throw noBatch(topic, range.partition, next);
      next = after;
      answer = next < range.to ? fetcher.fetch(next) : undefined;
      const transactions = new AbortedTransactions(aborted);
      for (const batch of batches) {
        signal?.throwIfAborted();
        const isAborted = transactions.includes(records, batch);
        if (batch.isControl || isAborted || batch.count === 0) continue;
        if (batch.lastOffset < range.from || batch.baseOffset >= range.to) continue;
        if (batch.compression) await loadCodec(batch.compression);
        addBatch(builder, topic, range, records, batch);
        for (const block of builder.take()) {
          yield block;
          signal?.throwIfAborted();
        }
      }
    }
    yield* builder.takeRest();
  } finally {
    fetcher.close();
  }
}

function addBatch(
  builder: BlockBuilder,
  topic: string,
  { partition, from, to }: OffsetRange,
  bytes: Buffer,
  batch: BatchHeader,
): void {
  const corrupt = (why: string, cause?: unknown) =>
    new EventlakeError(
      'corrupt',
      `The record batch at offset ${batch.baseOffset} is not what was written: ${why}`,
      { topic, partition, offset: batch.baseOffset },
      "Kafka's own tools tell more: kafka-dump-log.",
      { cause },
    );
  if (batch.magic !== 2)
    throw corrupt(`its format is ${batch.magic}, not 2 (records from before Kafka 0.11?)`);
  if (crc32c(bytes.subarray(batch.at + 21, batch.end)) !== batch.crc)
    throw corrupt('its checksum does not fit');
  if (!batch.compression) throw corrupt('its compression is none that is known');
  try {
    if (batch.compression === 'none') {
      builder.add(bytes.subarray(0, batch.end), batch.at + BATCH_HEADER_BYTES, batch, from, to);
    } else {
      const packed = bytes.subarray(batch.at + BATCH_HEADER_BYTES, batch.end);
      builder.add(decompress(batch.compression, packed, BATCH_BYTES_MAX), 0, batch, from, to);
    }
  } catch (cause) {
    throw corrupt(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Answers to Fetch of one partition, whatever happens to brokers meanwhile. */
class Fetcher {
  #connection: Connection | undefined;
  #closed = false;

  constructor(
    readonly cluster: Cluster,
    readonly request: ReadRequest,
  ) {
    request.signal?.addEventListener('abort', this.close);
  }

  /** Handled when it is awaited, which may be later than it fails. */
  fetch(offset: number): Promise<FetchedPartition> {
    const answer = this.#fetch(offset);
    answer.catch(() => {});
    return answer;
  }

  readonly close = (): void => {
    this.#closed = true;
    this.request.signal?.removeEventListener('abort', this.close);
    if (this.#connection) this.cluster.giveBack(this.#connection);
    this.#connection = undefined;
  };

  async #fetch(offset: number): Promise<FetchedPartition> {
    const { signal, retryTimeoutMs } = this.request;
    const startedMs = performance.now();
    for (let pauseMs = 20; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
      signal?.throwIfAborted();
      try {
        const answer = await this.#attempt(offset);
        if (answer) return answer;
        throw nothingComes(this.request.topic, this.request.range.partition, offset);
      } catch (error) {
        signal?.throwIfAborted();
        if (!mayPass(error) || this.#closed || performance.now() + pauseMs > startedMs + retryTimeoutMs)
          throw error;
        this.cluster.forget(this.request.topic);
        await pause(pauseMs, signal);
      }
    }
  }

  /** @returns Undefined where the broker has nothing to give though it should. */
  async #attempt(offset: number): Promise<FetchedPartition | undefined> {
    const { topic, topicId, range } = this.request;
    const answer = await this.#ask(offset);
    const partition = answer.partitions[0];
    const error = answer.error || (partition?.error ?? 0);
    if (error === code.OFFSET_OUT_OF_RANGE) throw await this.#outOfRange(offset);
    if (
      error === code.UNKNOWN_TOPIC_ID ||
      error === code.INCONSISTENT_TOPIC_ID ||
      error === code.UNKNOWN_TOPIC_OR_PARTITION
    ) {
      // Not there, made anew, or a broker that does not know it yet: then it is asked again.
      if ((await this.cluster.refresh(topic)).topicId !== topicId) throw madeAnew(topic);
      throw new EventlakeError('unavailable', 'The broker does not know the topic yet', { topic });
    }
    if (error !== 0 || !partition) throw kafkaError(error, 'hand out records', where(this.request));
    if (range.to > partition.lastStableOffset) {
      // The first answers of a new leader may lag behind: the other request waits until it knows.
      const { endOffset } = await offsetsOf(this.cluster, topic, range.partition);
      if (range.to > endOffset) throw truncated(this.request, offset, endOffset);
    }
    return partition.records.length > 0 ? partition : undefined;
  }

  async #ask(offset: number) {
    const { topic, topicId, range } = this.request;
    if (this.#connection && !this.#connection.isOpen) {
      this.cluster.discard(this.#connection);
      this.#connection = undefined;
    }
    if (!this.#connection) {
      const connection = await this.cluster.lease(await this.cluster.leader(topic, range.partition));
      if (this.#closed) this.cluster.giveBack(connection);
      else this.#connection = connection;
    }
    const connection = this.#connection;
    if (!connection) throw new EventlakeError('internal', 'The read has ended', where(this.request));
    const maxBytes = Math.min(FETCH_BYTES_MAX, Math.max(FETCH_BYTES_MIN, 4 * this.request.blockBytesMax));
    try {
      return await connection.request(connection.has(fetchById) ? fetchById : fetchByName, {
        topic,
        topicId,
        partitions: [{ partition: range.partition, offset }],
        committed: true,
        maxWaitMs: MAX_WAIT_MS,
        minBytes: 1,
        maxBytes,
        partitionMaxBytes: maxBytes,
      });
    } finally {
      if (this.#closed) this.cluster.discard(connection);
    }
  }

  async #outOfRange(offset: number): Promise<EventlakeError> {
    const { topic, range } = this.request;
    const { startOffset, endOffset } = await offsetsOf(this.cluster, topic, range.partition);
    if (range.to > endOffset) return truncated(this.request, offset, endOffset);
    if (offset < startOffset)
      return removedByRetention(topic, range.partition, offset, Math.min(startOffset, range.to));
    return new EventlakeError('unavailable', 'The broker does not know its offsets yet', where(this.request));
  }
}

/** Before anything was read the caller asked for too much; afterwards the log became shorter. */
function truncated({ topic, range }: ReadRequest, offset: number, endOffset: number): EventlakeError {
  if (offset === range.from) return beyondEnd(topic, range.partition, range.to, endOffset);
  return new EventlakeError(
    'data-loss',
    `${range.to - Math.max(endOffset, offset)} records are gone: the partition was cut at offset ${endOffset} while it was read`,
    { topic, partition: range.partition, offset: Math.max(endOffset, offset) },
    'Was a broker elected that lacked records (unclean.leader.election.enable)?',
  );
}

function nothingComes(topic: string, partition: number, offset: number): EventlakeError {
  return new EventlakeError('unavailable', `The broker hands out nothing from offset ${offset} on`, {
    topic,
    partition,
    offset,
  });
}

/** Brokers send the first batch whole, however long it is. */
function noBatch(topic: string, partition: number, offset: number): EventlakeError {
  return new EventlakeError(
    'corrupt',
    `What the broker hands out from offset ${offset} on is no record batch of format 2 (records from before Kafka 0.11?)`,
    { topic, partition, offset },
    "Kafka's own tools tell more: kafka-dump-log.",
  );
}

function where({ topic, range: { partition } }: ReadRequest) {
  return { topic, partition };
}
