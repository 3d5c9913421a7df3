import { type Api, api } from './api.js';

export interface ProduceRequest {
  topic: string;
  partition: number;
  /** Whole record batches; one, since brokers take no more. */
  records: Uint8Array;
  transactionalId: string | null;
  timeoutMs: number;
}

export interface ProduceAnswer {
  error: number;
  message: string;
  baseOffset: number;
}

export const produce = api<ProduceRequest, ProduceAnswer>({
  name: 'Produce',
  key: 0,
  version: 8,
  write(to, { topic, partition, records, transactionalId, timeoutMs }) {
    // acks = -1: every replica in sync has it.
    to.string(transactionalId).int16(-1).int32(timeoutMs);
    to.int32(1).string(topic).int32(1).int32(partition).bytes(records);
  },
  read(from) {
    const answers = from.array(() => {
      from.string();
      return from.array(() => {
        from.int32();
        const answer = { error: from.int16(), baseOffset: from.int64() };
        from.bigint();
        from.bigint();
        from.array(() => [from.int32(), from.nullableString()]);
        return { ...answer, message: from.string() };
      })[0]!;
    });
    return answers[0]!;
  },
});

export interface FetchRequest {
  topic: string;
  topicId: string;
  partitions: readonly { partition: number; offset: number }[];
  committed: boolean;
  maxWaitMs: number;
  minBytes: number;
  maxBytes: number;
  partitionMaxBytes: number;
}

export interface FetchAnswer {
  error: number;
  partitions: FetchedPartition[];
}

export interface FetchedPartition {
  partition: number;
  error: number;
  highWatermark: number;
  lastStableOffset: number;
  logStartOffset: number;
  aborted: { producerId: bigint; firstOffset: number }[];
  records: Buffer;
}

/** By topic id, so that a topic that was made anew is not taken for the old one: KIP-516, Kafka 3.1. */
export const fetchById: Api<FetchRequest, FetchAnswer> = fetchIn(13, 'id');
/** For Kafka 3.0. */
export const fetchByName: Api<FetchRequest, FetchAnswer> = fetchIn(12, 'name');

function fetchIn(version: number, by: 'id' | 'name'): Api<FetchRequest, FetchAnswer> {
  return api<FetchRequest, FetchAnswer>({
    name: 'Fetch',
    key: 1,
    version,
    flexible: true,
    write(to, request) {
      to.int32(-1).int32(request.maxWaitMs).int32(request.minBytes).int32(request.maxBytes);
      to.int8(request.committed ? 1 : 0);
      // No fetch session.
      to.int32(0).int32(-1);
      to.compactArray([request], ({ topic, topicId, partitions, partitionMaxBytes }) => {
        if (by === 'id') to.uuid(topicId);
        else to.compactString(topic);
        to.compactArray(partitions, ({ partition, offset }) => {
          to.int32(partition).int32(-1).int64(offset).int32(-1).int64(-1).int32(partitionMaxBytes).noTags();
        });
        to.noTags();
      });
      to.compactArray([], () => {});
      to.compactString('').noTags();
    },
    read(from) {
      from.int32();
      const error = from.int16();
      from.int32();
      const topics = from.compactArray(() => {
        if (by === 'id') from.uuid();
        else from.compactString();
        const partitions = from.compactArray((): FetchedPartition => {
          const partition = {
            partition: from.int32(),
            error: from.int16(),
            highWatermark: from.int64(),
            lastStableOffset: from.int64(),
            logStartOffset: from.int64(),
            aborted: from.compactArray(() => {
              const aborted = { producerId: from.bigint(), firstOffset: from.int64() };
              from.skipTags();
              return aborted;
            }),
          };
          from.int32();
          const records = from.compactBytes();
          from.skipTags();
          return { ...partition, records };
        });
        from.skipTags();
        return partitions;
      });
      return { error, partitions: topics.flat() };
    },
  });
}
