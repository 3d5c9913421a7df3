/**
 * The event log: topics of partitions of records, each with an offset that never changes its meaning.
 * Embedded it is LMDB, outgrown it is Apache Kafka; `test/contracts/event-log.ts` is what both must pass.
 *
 * Bytes stay bytes: records come and go in blocks, never as one object each.
 */
export interface EventLog {
  /**
   * Positions are for looking at: others than the one lake may have committed them, and retention does not wait for them.
   * Whoever has no plan yet begins at the first record then, whatever position is found.
   */
  readonly advisoryPositions?: boolean;

  /**
   * Makes the topic, or returns it where it is there; then it takes over the retention that is given.
   * @throws EventlakeError `invalid` where it differs in partitions, or the name is none that Kafka would take.
   */
  createTopic(topic: string, options: TopicOptions): Promise<TopicInfo>;

  /** Removes the topic with its records, positions and sources. @throws EventlakeError `not-found`. */
  deleteTopic(topic: string): Promise<void>;

  /** @throws EventlakeError `not-found`. */
  topic(topic: string): Promise<TopicInfo>;

  /**
   * Appends records, each to the partition of its key (a record without one: any partition).
   * Resolves when they are durable: flushed to disk, not merely visible; on Kafka, acknowledged by all replicas in sync.
   * Only then can anybody read them.
   * With `source`, the records and the source's new position become durable together or not at all, so that
   * a file that is ingested again, or a redrive that is repeated, appends nothing twice.
   * Appends of one caller land in the order of the calls, awaited or not.
   * @throws EventlakeError `limit` where a record or the batch is too long, `unavailable` where the disk is full;
   *   nothing of the batch is appended then. On Kafka an append without a source is one by partition: where brokers
   *   stay away for too long, `unavailable` says that parts of it may have landed.
   */
  append(topic: string, records: RecordBatch, options?: AppendOptions): Promise<AppendResult>;

  /** How far a source has been appended, or undefined: see `AppendOptions.source`. */
  sourcePosition(topic: string, sourceId: string): Promise<number | undefined>;

  /**
   * The records of one partition with `from <= offset < to`, in order, as blocks of about `blockBytesMax`.
   * Offsets may have gaps (compaction, transaction markers); `to` must not pass the durable end.
   * @throws EventlakeError `data-loss` where `from` lies before the first record that retention kept,
   *   naming how many are gone; `corrupt`, naming the offset, where stored bytes are not what was written; on abort
   *   the signal's reason.
   */
  read(topic: string, range: OffsetRange, options?: ReadOptions): AsyncIterable<RecordBlock>;

  /** Resolves when any partition's durable end passes its given offset, when `timeoutMs` is over, or on abort. */
  waitForRecords(
    topic: string,
    from: readonly number[],
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<void>;

  /** Records how far a consumer has come: for lag, and for retention, which never overtakes it. */
  commitPositions(consumer: string, topic: string, positions: readonly number[]): Promise<void>;

  /** One offset a partition (the next to read), or undefined for a consumer that never committed. */
  positions(consumer: string, topic: string): Promise<number[] | undefined>;

  /** All consumers that have committed positions on the topic. */
  consumers(topic: string): Promise<string[]>;

  /**
   * Removes what the topic's retention allows, the oldest first and in whole blocks, but nothing that a consumer with
   * committed positions has not read. A topic without such consumers has nobody to wait for: whoever will read from the
   * beginning commits its first positions before it does. `force` lets it overtake them all.
   * Kafka's brokers do this by themselves and ask nobody: there it does nothing.
   */
  enforceRetention(topic: string, options?: { force?: boolean }): Promise<{ removedRecords: number }>;

  close(): Promise<void>;
}

export interface TopicOptions {
  partitions: number;
  /** Undefined: kept whatever its age. */
  retentionHours?: number;
  /** Of all partitions together. Undefined: kept whatever its size. */
  retentionBytesMax?: number;
}

export interface ReadOptions {
  /** Bytes of values in one block; a single record may exceed it. */
  blockBytesMax?: number;
  /** Fills in the blocks' `keys` and `headers`. */
  keysAndHeaders?: boolean;
  signal?: AbortSignal;
}

export interface TopicInfo {
  topic: string;
  /** Differs when a topic of the same name was made anew. */
  topicId: string;
  partitions: PartitionInfo[];
}

export interface PartitionInfo {
  partition: number;
  /** Offset of the first record kept. */
  startOffset: number;
  /** One past the last durable record. */
  endOffset: number;
}

export interface OffsetRange {
  partition: number;
  /** Inclusive. */
  from: number;
  /** Exclusive. */
  to: number;
}

/** Records on their way in. Record `i` is `values[bounds[i] … bounds[i + 1])`. */
export interface RecordBatch {
  count: number;
  values: Uint8Array;
  /** count + 1 byte positions in `values`. */
  bounds: Uint32Array;
  /** One key a record; null: none. */
  keys: readonly (string | null)[];
  /** Few records have them; index → headers. */
  headers?: ReadonlyMap<number, Readonly<Record<string, string>>>;
  /** Records whose value is null (a tombstone) rather than empty; their bounds span no bytes. */
  nullValues?: ReadonlySet<number>;
}

/** Records on their way out: consecutive in one partition. Record `i` is `values[bounds[i] … bounds[i + 1])`. */
export interface RecordBlock {
  partition: number;
  count: number;
  values: Uint8Array;
  /** count + 1 byte positions in `values`. */
  bounds: Uint32Array;
  /** Exact integers. */
  offsets: Float64Array;
  /**
   * When the log appended the record, milliseconds since 1970, never decreasing within a partition. In a Kafka topic
   * whose `message.timestamp.type` is CreateTime, the time that the producer gave it, in any order.
   */
  timestampsMs: Float64Array;
  /** Records whose value is null (a tombstone), where there are any. */
  nullValues?: ReadonlySet<number>;
  /** Only where asked for. */
  keys?: readonly (string | null)[];
  headers?: ReadonlyMap<number, Readonly<Record<string, string>>>;
}

export interface AppendOptions {
  /** Appended only if the source's position is still `from` (undefined: none yet); afterwards it is `to`. */
  source?: { id: string; from: number | undefined; to: number };
}

export type AppendResult =
  | { status: 'appended'; count: number }
  /** The source's position is another one than `from`: nothing was appended. */
  | { status: 'source-moved'; position: number | undefined };
