import { EventlakeError } from '../../errors.js';
import { madeAnew } from '../checks.js';
import type { RecordBatch } from '../event-log.js';
import { rowsByPartition } from '../partitioner.js';
import type { Cluster } from './cluster.js';
import type { Compression } from './compression/codec.js';
import { kafkaError, mayPass, pause, retrying } from './kafka-error.js';
import { initProducerId } from './protocol/coordinator-apis.js';
import { code } from './protocol/error-codes.js';
import { produce } from './protocol/record-apis.js';
import { encodeBatch, type Rows, recordBytesMax } from './records/encode.js';

/** Of a record batch before it is compressed. A longer record has a batch of its own. */
const BATCH_BYTES_MAX = 1000 * 1000;
const BATCH_RECORDS_MAX = 50_000;

export interface ProducerSettings {
  compression: Compression;
  requestTimeoutMs: number;
  /** From an append to its acknowledgement, or to the error that says that there is none. */
  deliveryTimeoutMs: number;
}

/**
 * Cuts rows into pieces that fit a record batch each; the pieces of one partition keep the rows' order.
 * @returns By partition.
 */
export function piecesByPartition(batch: RecordBatch, partitions: number, sticky: number): Rows[][] {
  return rowsByPartition(batch, partitions, sticky).map((rows) => {
    const pieces: Rows[] = [];
    let from = 0;
    let bytesMax = 0;
    for (let i = 0; i < rows.length; i++) {
      const bytes = recordBytesMax(batch, rows[i]!);
      if (i > from && (bytesMax + bytes > BATCH_BYTES_MAX || i - from >= BATCH_RECORDS_MAX)) {
        pieces.push({ batch, rows: rows.slice(from, i), bytesMax });
        from = i;
        bytesMax = 0;
      }
      bytesMax += bytes;
    }
    if (from < rows.length) pieces.push({ batch, rows: rows.slice(from), bytesMax });
    return pieces;
  });
}

interface Waiting {
  rows: Rows;
  sinceMs: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The way into one partition: one record batch at a time, so that nothing overtakes, and what is sent again is known to
 * the broker by its number (KIP-98). While a batch is on its way, what arrives is gathered for the next.
 */
export class PartitionProducer {
  readonly #queue: Waiting[] = [];
  #identity: { producerId: bigint; epoch: number; sequence: number } | undefined;
  #isSending = false;

  constructor(
    readonly cluster: Cluster,
    readonly settings: ProducerSettings,
    readonly topic: string,
    readonly topicId: string,
    readonly partition: number,
  ) {}

  /** Resolves when the broker has it, with all its replicas in sync. */
  append(rows: Rows): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ rows, sinceMs: performance.now(), resolve, reject });
      if (!this.#isSending) void this.#send();
    });
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    // Those that are appended in the same turn go together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const taken = this.#take();
      try {
        await this.#deliver(taken);
        for (const { resolve } of taken) resolve();
      } catch (error) {
        // Numbers that the broker may never have seen must not be followed by later ones.
        this.#identity = undefined;
        for (const { reject } of taken) reject(error);
      }
    }
    this.#isSending = false;
  }

  #take(): Waiting[] {
    let bytes = 0;
    let records = 0;
    let count = 0;
    for (const { rows } of this.#queue) {
      bytes += rows.bytesMax;
      records += rows.rows.length;
      if (count > 0 && (bytes > BATCH_BYTES_MAX || records > BATCH_RECORDS_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #deliver(taken: readonly Waiting[]): Promise<void> {
    const { topic, partition } = this;
    const deadlineMs = taken[0]!.sinceMs + this.settings.deliveryTimeoutMs;
    const count = taken.reduce((sum, { rows }) => sum + rows.rows.length, 0);
    const parts = taken.map(({ rows }) => rows);
    let records: Buffer | undefined;
    /** Whether a request went out whose fate is not known. */
    let isUnsure = false;
    for (let pauseMs = 20; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
      let failure: unknown;
      try {
        this.#identity ??= await newIdentity(this.cluster, this.settings.requestTimeoutMs);
        records ??= encodeBatch(
          parts,
          { ...this.#identity, isTransactional: false },
          { compression: this.settings.compression, nowMs: Date.now() },
        );
        const leader = await this.cluster.leader(topic, partition);
        const connection = await this.cluster.shared(leader);
        const wasUnsure: boolean = isUnsure;
        isUnsure = true;
        const { error, message } = await connection.request(produce, {
          topic,
          partition,
          records,
          transactionalId: null,
          timeoutMs: this.settings.requestTimeoutMs,
        });
        if (error === 0 || error === code.DUPLICATE_SEQUENCE_NUMBER) {
          this.#identity.sequence = (this.#identity.sequence + count) % 2 ** 31;
          return;
        }
        // NOT_ENOUGH_REPLICAS_AFTER_APPEND and the broker's own time-out: it may be there.
        isUnsure = wasUnsure || error === 7 || error === 20;
        failure = kafkaError(error, 'append records', { topic, partition }, message);
        if (error === code.UNKNOWN_TOPIC_OR_PARTITION || error === code.UNKNOWN_TOPIC_ID) {
          if ((await this.cluster.refresh(topic)).topicId !== this.topicId) throw madeAnew(topic);
        } else if (!isUnsure && isForgotten(error)) {
          // The broker has forgotten this producer, or lost its last batches; this one it never took.
          this.#identity = undefined;
          records = undefined;
        } else if (!mayPass(failure)) throw failure;
      } catch (error) {
        if (!mayPass(error)) throw error;
        failure = error;
      }
      if (performance.now() + pauseMs > deadlineMs) throw undelivered(this, isUnsure, failure);
      this.cluster.forget(topic);
      await pause(pauseMs);
    }
  }
}

function isForgotten(error: number): boolean {
  return (
    error === code.OUT_OF_ORDER_SEQUENCE_NUMBER ||
    error === code.UNKNOWN_PRODUCER_ID ||
    error === code.INVALID_PRODUCER_EPOCH ||
    error === code.INVALID_PRODUCER_ID_MAPPING
  );
}

async function newIdentity(cluster: Cluster, timeoutMs: number) {
  return retrying(timeoutMs, undefined, async () => {
    const [broker] = (await cluster.metadata([])).brokers;
    if (!broker) throw new EventlakeError('unavailable', 'Kafka has no broker at the moment');
    const connection = await cluster.shared(broker.id);
    const answer = await connection.request(initProducerId, { transactionalId: null, timeoutMs: 60_000 });
    if (answer.error !== 0) throw kafkaError(answer.error, 'name a producer', {});
    return { producerId: answer.producerId, epoch: answer.epoch, sequence: 0 };
  });
}

function undelivered(
  { topic, partition, settings }: PartitionProducer,
  isUnsure: boolean,
  cause: unknown,
): EventlakeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EventlakeError(
    'unavailable',
    `Records were not acknowledged within ${settings.deliveryTimeoutMs} ms${isUnsure ? '; they may be in the log all the same' : ''}: ${reason}`,
    { topic, partition },
    'Raise log.kafka.deliveryTimeoutMs where brokers are away for longer.',
    { cause },
  );
}
