import { EventlakeError } from '../errors.js';
import { READ_BLOCK_BYTES_DEFAULT } from '../limits.js';
import { checkId, checkPositions, checkRange, madeAnew } from './checks.js';
import { Arrivals } from './embedded/arrivals.js';
import { encodeBlocks, stampBlock } from './embedded/block.js';
import { DiskSpace } from './embedded/disk-space.js';
import { getEnds, putEnds } from './embedded/ends.js';
import { type Environment, openEnvironment } from './embedded/environment.js';
import { blockKey } from './embedded/keys.js';
import { readBlock } from './embedded/read.js';
import { removeOldest } from './embedded/retention.js';
import { createTopic, deleteTopic, getTopic, removeGarbage, topicInfo } from './embedded/topics.js';
import type {
  AppendOptions,
  AppendResult,
  EventLog,
  OffsetRange,
  ReadOptions,
  RecordBatch,
  RecordBlock,
  TopicInfo,
  TopicOptions,
} from './event-log.js';
import { rowsByPartition } from './partitioner.js';
import { checkBatch } from './record-batch.js';

/** Records are stored in blocks of about this many bytes, so that no transaction has to find much space in one piece. */
const STORED_BLOCK_BYTES = 1024 * 1024;

export interface EmbeddedLogOptions {
  /** The folder of the log; made if it is not there. On a local disk: LMDB does not work on network file systems. */
  dir: string;
  /** Milliseconds since 1970; the computer's clock where it is left out. */
  now?: () => number;
  /** So much may be read before the map is made anew; for tests. */
  mappedBytesMax?: number;
}

/**
 * The event log on LMDB: one folder, any number of processes at once, nothing to start.
 *
 * Appends of all processes are serialised by LMDB's write lock; those that one process makes at the same time share a
 * transaction. Readers lock nothing. What a reader sees is on the disk.
 * @throws EventlakeError `unavailable` where the folder cannot be made or written, `corrupt` where it holds no log.
 */
export async function openEmbeddedLog({
  dir,
  now = Date.now,
  mappedBytesMax,
}: EmbeddedLogOptions): Promise<EventLog> {
  return new EmbeddedLog(await openEnvironment(dir, mappedBytesMax), now);
}

class EmbeddedLog implements EventLog {
  readonly #arrivals: Arrivals;
  readonly #diskSpace: DiskSpace;
  #turn = Math.floor(Math.random() * 1024);
  #closed = false;

  constructor(
    readonly env: Environment,
    readonly now: () => number,
  ) {
    this.#arrivals = new Arrivals(env.dir);
    this.#diskSpace = new DiskSpace(env);
  }

  async createTopic(topic: string, options: TopicOptions): Promise<TopicInfo> {
    const record = await createTopic(this.#fresh(), topic, options);
    return topicInfo(this.#fresh(), topic, record);
  }

  async deleteTopic(topic: string): Promise<void> {
    await deleteTopic(this.#fresh(), topic);
  }

  async topic(topic: string): Promise<TopicInfo> {
    const env = this.#fresh();
    return topicInfo(env, topic, getTopic(env, topic));
  }

  async append(topic: string, batch: RecordBatch, { source }: AppendOptions = {}): Promise<AppendResult> {
    const env = this.#fresh();
    checkBatch(batch, topic);
    if (source) checkId(source.id, topic);
    // All that takes time is done before the lock is taken: only places and times are decided under it.
    const known = getTopic(env, topic);
    const blocks = rowsByPartition(batch, known.partitions, this.#turn++ % known.partitions).map((rows) =>
      encodeBlocks(batch, rows, STORED_BLOCK_BYTES),
    );
    this.#diskSpace.claim(blocks.flat().reduce((sum, { bytes }) => sum + bytes.length, 0));
    const result = await env.write((): AppendResult => {
      const record = getTopic(env, topic);
      if (record.topicId !== known.topicId) throw madeAnew(topic);
      if (source) {
        const position = env.sources.get([record.number, source.id]);
        if (position !== source.from) return { status: 'source-moved', position };
      }
      const ends = getEnds(env, topic, record);
      // In the whole topic, not in each partition only: after a clock has stepped back, no partition's events seem to come
      // from the future.
      const nowMs = ends.reduce((latest, of) => Math.max(latest, of.lastTimestampMs), this.now());
      for (const [partition, of] of ends.entries()) {
        for (const block of blocks[partition]!) {
          of.lastTimestampMs = nowMs;
          const bytes = stampBlock(block, of.endOffset, of.lastTimestampMs);
          env.blocks.put(blockKey(record.number, partition, of.endOffset), bytes);
          of.endOffset += block.count;
          of.bytes += bytes.length;
        }
      }
      putEnds(env, record.number, ends);
      if (source) env.sources.put([record.number, source.id], source.to);
      return { status: 'appended', count: batch.count };
    });
    this.#arrivals.wake();
    return result;
  }

  async sourcePosition(topic: string, sourceId: string): Promise<number | undefined> {
    const env = this.#fresh();
    checkId(sourceId, topic);
    return env.sources.get([getTopic(env, topic).number, sourceId]);
  }

  async *read(topic: string, range: OffsetRange, options: ReadOptions = {}): AsyncGenerator<RecordBlock> {
    const { blockBytesMax = READ_BLOCK_BYTES_DEFAULT, keysAndHeaders = false, signal } = options;
    const { partitions, topicId } = getTopic(this.#fresh(), topic);
    checkRange(topic, range, partitions);
    for (let from = range.from; from < range.to; ) {
      signal?.throwIfAborted();
      const env = this.#fresh();
      const record = getTopic(env, topic);
      if (record.topicId !== topicId) throw madeAnew(topic);
      const block = readBlock(env, topic, record, { ...range, from }, { blockBytesMax, keysAndHeaders });
      await env.hasRead(block.bounds[block.count]! - block.bounds[0]!);
      yield block;
      from = block.offsets[block.count - 1]! + 1;
    }
  }

  async waitForRecords(
    topic: string,
    from: readonly number[],
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<void> {
    await this.#arrivals.wait(() => {
      const env = this.#fresh();
      return getEnds(env, topic, getTopic(env, topic)).some(({ endOffset }, i) => endOffset > (from[i] ?? 0));
    }, options);
  }

  async commitPositions(consumer: string, topic: string, positions: readonly number[]): Promise<void> {
    const env = this.#fresh();
    checkId(consumer, topic);
    const record = getTopic(env, topic);
    checkPositions(topic, record.partitions, positions);
    await env.put(() => env.positions.put([record.number, consumer], [...positions]));
  }

  async positions(consumer: string, topic: string): Promise<number[] | undefined> {
    const env = this.#fresh();
    checkId(consumer, topic);
    return env.positions.get([getTopic(env, topic).number, consumer]);
  }

  async consumers(topic: string): Promise<string[]> {
    const env = this.#fresh();
    const { number } = getTopic(env, topic);
    return [...env.positions.getKeys({ start: [number, ''], end: [number + 1, ''] })].map(([, name]) => name);
  }

  async enforceRetention(topic: string, { force = false } = {}): Promise<{ removedRecords: number }> {
    const env = this.#fresh();
    getTopic(env, topic);
    // A reader that was killed would keep what is removed from being used again.
    env.checkReaders();
    await removeGarbage(env);
    let removedRecords = 0;
    for (let removed = -1; removed !== 0; removedRecords += removed) {
      removed = await removeOldest(env, topic, this.now(), force);
    }
    return { removedRecords };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#arrivals.close();
    await this.env.close();
  }

  /** The environment, showing what has been committed by now. */
  #fresh(): Environment {
    if (this.#closed)
      throw new EventlakeError('internal', 'The event log was used after it was closed', {
        file: this.env.dir,
      });
    this.env.refresh();
    return this.env;
  }
}
