import { readFile } from 'node:fs/promises';
import { EventlakeError } from '../errors.js';
import { READ_BLOCK_BYTES_DEFAULT } from '../limits.js';
import { checkId, checkPositions, checkRange } from './checks.js';
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
import { Cluster, parseAddress } from './kafka/cluster.js';
import { checkCompression } from './kafka/compression/codec.js';
import { describeCluster, type KafkaDescription } from './kafka/describe.js';
import { retrying } from './kafka/kafka-error.js';
import { Positions } from './kafka/positions.js';
import { PartitionProducer, piecesByPartition } from './kafka/producer.js';
import type { ConnectionSettings } from './kafka/protocol/connection.js';
import { readRange } from './kafka/reader.js';
import { type KafkaSettings, saslOf } from './kafka/settings.js';
import { SourceAppends } from './kafka/sources.js';
import { SourcesTopic, sourcesTopicOf } from './kafka/sources-topic.js';
import { createTopic, deleteTopic, topicInfo } from './kafka/topics.js';
import { Arrivals } from './kafka/waiting.js';
import { checkBatch } from './record-batch.js';

/**
 * The event log on Apache Kafka. Brokers are asked when something is wanted of them, not here. Once `stopping` is aborted,
 * nobody waits for brokers that are away, but for the acknowledgement of what was appended.
 * @throws EventlakeError `invalid` where the settings do not fit together, `not-found` for a file of theirs.
 */
export async function openKafkaLog(settings: KafkaSettings, stopping?: AbortSignal): Promise<EventLog> {
  checkCompression(settings.compression);
  return new KafkaLog(await clusterOf(settings, stopping), settings);
}

/** What there is, for `doctor`. @throws EventlakeError `unavailable`, `forbidden`, `invalid`. */
export async function describeKafka(settings: KafkaSettings, topic: string): Promise<KafkaDescription> {
  const cluster = await clusterOf(settings);
  try {
    return await describeCluster(cluster, topic, settings.retryTimeoutMs);
  } finally {
    cluster.close();
  }
}

async function clusterOf(settings: KafkaSettings, stopping?: AbortSignal): Promise<Cluster> {
  const brokers = settings.brokers ?? [];
  brokers.forEach(parseAddress);
  const { clientId, connectTimeoutMs, requestTimeoutMs } = settings;
  const connection: ConnectionSettings = {
    clientId,
    connectTimeoutMs,
    requestTimeoutMs,
    tls: settings.tls.enabled ? await tlsOf(settings.tls) : undefined,
    sasl: saslOf(settings),
  };
  return new Cluster(brokers, connection, stopping);
}

class KafkaLog implements EventLog {
  readonly advisoryPositions = true;
  readonly #arrivals: Arrivals;
  readonly #positions: Positions;
  readonly #producers = new Map<string, PartitionProducer>();
  readonly #sources = new Map<string, SourceAppends>();
  /** Appends are queued in the order of the calls, one after the other. */
  #order: Promise<unknown> = Promise.resolve();
  readonly #onTheirWay = new Set<Promise<unknown>>();
  #turn = Math.floor(Math.random() * 1024);

  constructor(
    readonly cluster: Cluster,
    readonly settings: KafkaSettings,
  ) {
    this.#arrivals = new Arrivals(cluster, settings.retryTimeoutMs);
    this.#positions = new Positions(cluster, settings.groupPrefix, settings.retryTimeoutMs);
  }

  async createTopic(topic: string, options: TopicOptions): Promise<TopicInfo> {
    await createTopic(this.cluster, topic, options, this.#topicSettings());
    return this.topic(topic);
  }

  async deleteTopic(topic: string): Promise<void> {
    const { retryTimeoutMs } = this.settings;
    await deleteTopic(this.cluster, topic, retryTimeoutMs);
    await deleteTopic(this.cluster, sourcesTopicOf(topic), retryTimeoutMs).catch(ignoreMissing);
  }

  topic(topic: string): Promise<TopicInfo> {
    return retrying(this.settings.retryTimeoutMs, this.cluster.stopping, () =>
      topicInfo(this.cluster, topic),
    );
  }

  async append(topic: string, batch: RecordBatch, { source }: AppendOptions = {}): Promise<AppendResult> {
    checkBatch(batch, topic);
    if (source) checkId(source.id, topic);
    return source ? this.#appendSource(topic, batch, source) : this.#append(topic, batch);
  }

  async sourcePosition(topic: string, sourceId: string): Promise<number | undefined> {
    checkId(sourceId, topic);
    const { topicId } = await this.#known(topic, { fresh: true });
    return (await this.#sourceAppends(topic, topicId).positions.get(sourceId))?.position;
  }

  async *read(topic: string, range: OffsetRange, options: ReadOptions = {}): AsyncGenerator<RecordBlock> {
    const { blockBytesMax = READ_BLOCK_BYTES_DEFAULT, keysAndHeaders = false, signal } = options;
    const { topicId, leaders } = await this.#known(topic);
    checkRange(topic, range, leaders.length);
    signal?.throwIfAborted();
    const { retryTimeoutMs } = this.settings;
    yield* readRange(this.cluster, {
      ...{ topic, topicId, range, blockBytesMax, keysAndHeaders, signal, retryTimeoutMs },
    });
  }

  waitForRecords(
    topic: string,
    from: readonly number[],
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<void> {
    return this.#arrivals.wait(topic, from, options);
  }

  async commitPositions(consumer: string, topic: string, positions: readonly number[]): Promise<void> {
    checkId(consumer, topic);
    const { topicId, leaders } = await this.#known(topic);
    checkPositions(topic, leaders.length, positions);
    await this.#positions.commit(consumer, topic, topicId, positions);
  }

  async positions(consumer: string, topic: string): Promise<number[] | undefined> {
    checkId(consumer, topic);
    const { topicId, leaders } = await this.#known(topic, { fresh: true });
    return this.#positions.get(consumer, topic, topicId, leaders.length);
  }

  async consumers(topic: string): Promise<string[]> {
    const { topicId, leaders } = await this.#known(topic, { fresh: true });
    return this.#positions.consumers(topic, topicId, leaders.length);
  }

  /** Retention is the brokers': they remove what is old or too much when it is time, and ask nobody. */
  async enforceRetention(topic: string): Promise<{ removedRecords: number }> {
    await this.#known(topic);
    return { removedRecords: 0 };
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#order, ...this.#onTheirWay]);
    this.cluster.close();
  }

  async #append(topic: string, batch: RecordBatch): Promise<AppendResult> {
    const queued = this.#order.then(async () => {
      const { topicId, leaders } = await this.#known(topic);
      const pieces = piecesByPartition(batch, leaders.length, this.#turn++ % leaders.length);
      const sent = pieces.flatMap((of, partition) => {
        const producer = this.#producer(topic, topicId, partition);
        return of.map((piece) => producer.append(piece));
      });
      // All have ended before one failure is told.
      const done = Promise.allSettled(sent).then((results) => {
        const failed = results.find((result) => result.status === 'rejected');
        if (failed) throw failed.reason;
      });
      this.#track(done);
      return { done };
    });
    this.#order = queued.catch(() => {});
    await (await queued).done;
    return { status: 'appended', count: batch.count };
  }

  #appendSource(
    topic: string,
    batch: RecordBatch,
    source: NonNullable<AppendOptions['source']>,
  ): Promise<AppendResult> {
    const done = this.#order.then(async () => {
      await Promise.allSettled(this.#onTheirWay);
      const { topicId, leaders } = await this.#known(topic, { fresh: true });
      const pieces = piecesByPartition(batch, leaders.length, this.#turn++ % leaders.length);
      return this.#sourceAppends(topic, topicId).append(source, pieces, batch.count);
    });
    this.#order = done.catch(() => {});
    return done;
  }

  #track(done: Promise<unknown>): void {
    this.#onTheirWay.add(done);
    const forget = () => void this.#onTheirWay.delete(done);
    done.then(forget, forget);
  }

  #producer(topic: string, topicId: string, partition: number): PartitionProducer {
    const name = `${topicId}/${topic}/${partition}`;
    let producer = this.#producers.get(name);
    if (!producer) {
      producer = new PartitionProducer(this.cluster, this.settings, topic, topicId, partition);
      this.#producers.set(name, producer);
    }
    return producer;
  }

  #sourceAppends(topic: string, topicId: string): SourceAppends {
    const name = `${topicId}/${topic}`;
    let appends = this.#sources.get(name);
    if (!appends) {
      const positions = new SourcesTopic(this.cluster, topic, topicId, this.#topicSettings());
      const settings = { ...this.settings, prefix: this.settings.groupPrefix };
      appends = new SourceAppends(this.cluster, settings, topic, topicId, positions);
      this.#sources.set(name, appends);
    }
    return appends;
  }

  #known(topic: string, { fresh = false } = {}) {
    return retrying(this.settings.retryTimeoutMs, this.cluster.stopping, () =>
      fresh ? this.cluster.refresh(topic) : this.cluster.topic(topic),
    );
  }

  #topicSettings() {
    const { replicationFactor = -1, retryTimeoutMs } = this.settings;
    return { replicationFactor, retryTimeoutMs };
  }
}

async function tlsOf({ caFile, certFile, keyFile, keyPassphrase, serverName }: KafkaSettings['tls']) {
  const file = async (setting: string, path: string | undefined) => {
    if (path === undefined) return undefined;
    return readFile(path).catch((cause) => {
      const where = { file: path, setting: `log.kafka.tls.${setting}` };
      throw new EventlakeError('not-found', `${path} cannot be read`, where, undefined, { cause });
    });
  };
  const [ca, cert, key] = await Promise.all([
    file('caFile', caFile),
    file('certFile', certFile),
    file('keyFile', keyFile),
  ]);
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(keyPassphrase !== undefined && { passphrase: keyPassphrase }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof EventlakeError) || error.kind !== 'not-found') throw error;
}
