import { EventlakeError } from '../../errors.js';
import type { NewRecord } from '../record-batch.js';
import type { Cluster } from './cluster.js';
import { decompress, loadCodec } from './compression/codec.js';
import { kafkaError, pause, retrying } from './kafka-error.js';
import { code } from './protocol/error-codes.js';
import { fetchById, fetchByName } from './protocol/record-apis.js';
import { createTopics, LATEST, listOffsets } from './protocol/topic-apis.js';
import { type BatchHeader, batchesIn, markerOf } from './records/batches.js';
import { BlockBuilder } from './records/block-builder.js';
import { BATCH_HEADER_BYTES } from './records/encode.js';

export interface SourcePosition {
  position: number;
  /** Which transaction wrote it. */
  attempt: string;
}

const FETCH_BYTES_MAX = 1024 * 1024;
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The positions of a topic's sources: a compacted topic of one partition beside it, `<topic>-sources`. It is read to its
 * very end, not to the last stable offset, and transactions are told apart by their markers: so the open transaction of
 * one source, which may last until it times out, keeps nobody from knowing where another stands.
 */
export class SourcesTopic {
  readonly name: string;
  #topicId = '';
  #next = 0;
  readonly #committed = new Map<string, SourcePosition>();
  readonly #open = new Map<bigint, Map<string, SourcePosition>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly cluster: Cluster,
    topic: string,
    readonly topicId: string,
    readonly settings: { replicationFactor: number; retryTimeoutMs: number },
  ) {
    this.name = sourcesTopicOf(topic);
  }

  async create(): Promise<void> {
    if (this.#topicId) return;
    await retrying(this.settings.retryTimeoutMs, undefined, async () => {
      try {
        this.#topicId = (await this.cluster.refresh(this.name)).topicId;
        await this.cluster.leader(this.name, 0);
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      const { error, message } = await this.cluster.onController(createTopics, {
        topic: this.name,
        partitions: 1,
        replicationFactor: this.settings.replicationFactor,
        configs: { 'cleanup.policy': 'compact', 'segment.bytes': String(16 * 1024 * 1024) },
      });
      if (error !== 0 && error !== code.TOPIC_ALREADY_EXISTS)
        throw kafkaError(error, 'make the topic', { topic: this.name }, message);
      throw new EventlakeError('unavailable', 'The topic is just made', { topic: this.name });
    });
  }

  record(sourceId: string, position: SourcePosition): NewRecord {
    return { key: this.#key(sourceId), value: JSON.stringify(position) };
  }

  /** Where the source stands by what is committed now. */
  get(sourceId: string): Promise<SourcePosition | undefined> {
    const read = this.#turn.then(() => this.#readAll());
    this.#turn = read.catch(() => {});
    return read.then(() => this.#committed.get(this.#key(sourceId)));
  }

  #key(sourceId: string): string {
    return `${this.topicId}/${sourceId}`;
  }

  async #readAll(): Promise<void> {
    await retrying(this.settings.retryTimeoutMs, undefined, async () => {
      try {
        const { topicId } = await this.cluster.refresh(this.name);
        if (topicId !== this.#topicId) this.#startOver(topicId);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        this.#startOver('');
        return;
      }
      const end = await this.#highWatermark();
      while (this.#next < end) {
        const before = this.#next;
        await this.#readSome();
        if (this.#next === before) await pause(5);
      }
    });
  }

  #startOver(topicId: string): void {
    this.#topicId = topicId;
    this.#next = 0;
    this.#committed.clear();
    this.#open.clear();
  }

  async #highWatermark(): Promise<number> {
    const request = { topic: this.name, partitions: [0], at: LATEST, committed: false } as const;
    const answers = await this.cluster.onLeader(this.name, 0, listOffsets, { ...request, partitions: [0] });
    const { error, offset } = answers[0]!;
    if (error !== 0) throw notYet(this.cluster, error, this.name);
    return offset;
  }

  async #readSome(): Promise<void> {
    const connection = await this.cluster.shared(await this.cluster.leader(this.name, 0));
    const answer = await connection.request(connection.has(fetchById) ? fetchById : fetchByName, {
      topic: this.name,
      topicId: this.#topicId,
      partitions: [{ partition: 0, offset: this.#next }],
      committed: false,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      partitionMaxBytes: FETCH_BYTES_MAX,
    });
    const partition = answer.partitions[0];
    const error = answer.error || (partition?.error ?? 0);
    if (error !== 0 || !partition) throw notYet(this.cluster, error, this.name);
    for (const batch of batchesIn(partition.records)) {
      if (batch.compression) await loadCodec(batch.compression);
      if (batch.lastOffset >= this.#next) this.#apply(partition.records, batch);
      this.#next = Math.max(this.#next, batch.lastOffset + 1);
    }
  }

  #apply(bytes: Buffer, batch: BatchHeader): void {
    if (batch.isControl) {
      const decided = this.#open.get(batch.producerId);
      this.#open.delete(batch.producerId);
      if (decided && markerOf(bytes, batch) === 'commit')
        for (const [key, position] of decided) this.#committed.set(key, position);
      return;
    }
    const into = batch.isTransactional
      ? (this.#open.get(batch.producerId) ?? new Map<string, SourcePosition>())
      : this.#committed;
    if (batch.isTransactional) this.#open.set(batch.producerId, into);
    for (const [key, value] of keysAndValues(bytes, batch, this.#next)) {
      if (key.startsWith(`${this.topicId}/`)) into.set(key, value);
    }
  }
}

export function sourcesTopicOf(topic: string): string {
  return `${topic}-sources`;
}

function keysAndValues(bytes: Buffer, batch: BatchHeader, from: number): [string, SourcePosition][] {
  const builder = new BlockBuilder(0, Number.POSITIVE_INFINITY, true);
  const body = bytes.subarray(batch.at + BATCH_HEADER_BYTES, batch.end);
  const plain = decompress(batch.compression ?? 'none', body, UNPACKED_BYTES_MAX);
  builder.add(plain, 0, batch, from, Number.POSITIVE_INFINITY);
  return builder
    .takeRest()
    .flatMap(({ count, keys, values, bounds }) =>
      Array.from({ length: count }, (_, i): [string, SourcePosition] => [
        keys![i] ?? '',
        JSON.parse(Buffer.from(values.subarray(bounds[i], bounds[i + 1])).toString()) as SourcePosition,
      ]),
    );
}

function notYet(cluster: Cluster, error: number, topic: string): EventlakeError {
  cluster.forget(topic);
  const known = kafkaError(error, 'hand out the positions of sources', { topic });
  if (known.kind === 'unavailable' || known.kind === 'forbidden') return known;
  return new EventlakeError('unavailable', known.message, { topic });
}

function isNotFound(error: unknown): boolean {
  return error instanceof EventlakeError && error.kind === 'not-found';
}
