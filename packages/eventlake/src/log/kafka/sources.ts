import { createHash, randomUUID } from 'node:crypto';
import { EventlakeError } from '../../errors.js';
import type { AppendOptions, AppendResult } from '../event-log.js';
import { recordBatch } from '../record-batch.js';
import type { Cluster } from './cluster.js';
import { kafkaError, pause, retrying } from './kafka-error.js';
import type { ProducerSettings } from './producer.js';
import type { Api } from './protocol/api.js';
import { addPartitionsToTxn, endTxn, initProducerId } from './protocol/coordinator-apis.js';
import { code } from './protocol/error-codes.js';
import { produce } from './protocol/record-apis.js';
import { encodeBatch, type Rows, rowsOf } from './records/encode.js';
import type { SourcePosition, SourcesTopic } from './sources-topic.js';

/** A producer that is gone holds back readers for so long at most, unless its successor comes sooner. */
const TRANSACTION_TIMEOUT_MS = 30_000;

type Source = NonNullable<AppendOptions['source']>;

interface Identity {
  producerId: bigint;
  epoch: number;
  /** Next number by `topic/partition`. */
  sequences: Map<string, number>;
  position: SourcePosition | undefined;
}

/**
 * Appends of sources: the records and the source's new position in one Kafka transaction. The transactional id belongs to
 * the source, so of two that append the same source the later one fences the earlier; each transaction names its attempt,
 * so that one whose commit was not answered knows afterwards whether it was its own that landed.
 */
export class SourceAppends {
  readonly #identities = new Map<string, Identity>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(
    readonly cluster: Cluster,
    readonly settings: ProducerSettings & { prefix: string },
    readonly topic: string,
    readonly topicId: string,
    readonly positions: SourcesTopic,
  ) {}

  append(source: Source, pieces: readonly (readonly Rows[])[], count: number): Promise<AppendResult> {
    const before = this.#turns.get(source.id) ?? Promise.resolve();
    const done = before.catch(() => {}).then(() => this.#append(source, pieces, count));
    this.#turns.set(source.id, done);
    const clean = () => void (this.#turns.get(source.id) === done && this.#turns.delete(source.id));
    done.then(clean, clean);
    return done;
  }

  async #append(source: Source, pieces: readonly (readonly Rows[])[], count: number): Promise<AppendResult> {
    const attempt = randomUUID();
    const deadlineMs = performance.now() + this.settings.deliveryTimeoutMs;
    await this.positions.create();
    for (let pauseMs = 20; ; pauseMs = Math.min(1_000, 2 * pauseMs)) {
      try {
        let identity = this.#identities.get(source.id);
        if (!identity) {
          // Looked at before others are fenced: most often it says that there is nothing to do.
          const done = outcome(await this.positions.get(source.id), source, attempt, count);
          if (done) return done;
          identity = await this.#identify(source.id);
        }
        const done = outcome(identity.position, source, attempt, count);
        if (done) return done;
        this.#identities.delete(source.id);
        await this.#transact(identity, source, attempt, pieces);
        await this.#settle(source.id);
        return { status: 'appended', count };
      } catch (error) {
        const isOver = performance.now() + pauseMs > deadlineMs;
        if (!(error instanceof EventlakeError) || error.kind !== 'unavailable' || isOver) throw error;
        // Whoever was fenced lets the other one finish: at different moments they look again.
        await pause(pauseMs * (0.5 + Math.random()));
      }
    }
  }

  /** Ends what an earlier producer of this source left open, and fences it. */
  async #identify(sourceId: string): Promise<Identity> {
    const transactionalId = this.#transactionalId(sourceId);
    const { producerId, epoch } = await retrying(this.settings.deliveryTimeoutMs, undefined, async () => {
      const answer = await this.cluster.onCoordinator('transaction', transactionalId, initProducerId, {
        transactionalId,
        timeoutMs: TRANSACTION_TIMEOUT_MS,
      });
      if (answer.error !== 0) throw this.#refused(answer.error, 'begin a transaction');
      return answer;
    });
    const position = await this.positions.get(sourceId);
    return { producerId, epoch, sequences: new Map(), position };
  }

  /**
   * A commit is answered when it is decided, not when its markers stand in every partition. The next transaction can
   * begin only then: so with its identity in hand, readers see what was appended.
   */
  async #settle(sourceId: string): Promise<void> {
    // What is committed stays so: a trouble here is the next append's.
    const identity = await this.#identify(sourceId).catch(() => undefined);
    if (identity) this.#remember(sourceId, identity);
  }

  async #transact(
    identity: Identity,
    source: Source,
    attempt: string,
    pieces: readonly (readonly Rows[])[],
  ): Promise<void> {
    const { producerId, epoch } = identity;
    const transaction = { transactionalId: this.#transactionalId(source.id), producerId, epoch };
    const touched = pieces.flatMap((of, partition) =>
      of.length > 0 ? [{ topic: this.topic, partition }] : [],
    );
    const partitions = [...touched, { topic: this.positions.name, partition: 0 }];
    try {
      const added = await this.#onCoordinator(transaction, addPartitionsToTxn, {
        ...transaction,
        partitions,
      });
      if (added.error !== 0) throw this.#refused(added.error, 'begin a transaction');
      const record = this.positions.record(source.id, { position: source.to, attempt });
      const position = rowsOf(recordBatch([record]), [0]);
      await allDone([
        ...pieces.map((of, partition) =>
          this.#produce(identity, transaction.transactionalId, this.topic, partition, of),
        ),
        this.#produce(identity, transaction.transactionalId, this.positions.name, 0, [position]),
      ]);
    } catch (error) {
      // Best effort: whoever comes next ends it, and the broker does when its time is over.
      await this.#onCoordinator(transaction, endTxn, { ...transaction, commit: false }).catch(() => {});
      throw error;
    }
    // The commit point. Where the answer does not come, the position tells what became of it.
    const ended = await this.#onCoordinator(transaction, endTxn, { ...transaction, commit: true });
    if (ended.error !== 0) throw this.#refused(ended.error, 'commit a transaction');
  }

  #onCoordinator<Q, R extends { error: number }>(
    { transactionalId }: { transactionalId: string },
    api: Api<Q, R>,
    request: Q,
  ): Promise<R> {
    return this.cluster.onCoordinator('transaction', transactionalId, api, request);
  }

  async #produce(
    identity: Identity,
    transactionalId: string,
    topic: string,
    partition: number,
    pieces: readonly Rows[],
  ): Promise<void> {
    const place = `${topic}/${partition}`;
    const { compression, requestTimeoutMs } = this.settings;
    for (const piece of pieces) {
      const sequence = identity.sequences.get(place) ?? 0;
      const records = encodeBatch(
        [piece],
        { producerId: identity.producerId, epoch: identity.epoch, sequence, isTransactional: true },
        { compression, nowMs: Date.now() },
      );
      const { error, message } = await this.cluster.onLeader(topic, partition, produce, {
        topic,
        partition,
        records,
        transactionalId,
        timeoutMs: requestTimeoutMs,
      });
      if (error !== 0) {
        this.cluster.forget(topic);
        throw this.#refused(error, 'append records', message);
      }
      identity.sequences.set(place, sequence + piece.rows.length);
    }
  }

  /** Being fenced is `unavailable` too: another one is at it, and whoever looks again sees what it did. */
  #refused(error: number, doing: string, detail?: string): EventlakeError {
    // Some brokers answer so, UNKNOWN_SERVER_ERROR, where a transaction is ended in the moment in which it is fenced.
    if (FENCED.has(error) || error === -1)
      return new EventlakeError('unavailable', 'Another process appends this source', { topic: this.topic });
    return kafkaError(error, doing, { topic: this.topic }, detail);
  }

  #transactionalId(sourceId: string): string {
    const hash = createHash('sha256').update(`${this.topicId}/${sourceId}`).digest('hex').slice(0, 32);
    return `${this.settings.prefix}.source.${hash}`;
  }

  #remember(sourceId: string, identity: Identity): void {
    if (this.#identities.size >= IDENTITIES_MAX) this.#identities.clear();
    this.#identities.set(sourceId, identity);
  }
}

const IDENTITIES_MAX = 100;

const FENCED = new Set<number>([
  code.INVALID_PRODUCER_EPOCH,
  code.PRODUCER_FENCED,
  code.INVALID_TXN_STATE,
  code.INVALID_PRODUCER_ID_MAPPING,
  code.OUT_OF_ORDER_SEQUENCE_NUMBER,
  code.UNKNOWN_PRODUCER_ID,
]);

/** What is already decided; undefined: the source stands where it is expected. */
function outcome(
  found: SourcePosition | undefined,
  source: Source,
  attempt: string,
  count: number,
): AppendResult | undefined {
  if (found?.attempt === attempt) return { status: 'appended', count };
  if (found?.position !== source.from) return { status: 'source-moved', position: found?.position };
  return undefined;
}

/** All have ended, well or not, before the first failure is told: nothing of this attempt is on its way then. */
async function allDone(tasks: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
