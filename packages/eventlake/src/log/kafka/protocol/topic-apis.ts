import { api, type TopicPartitions } from './api.js';

const TIMEOUT_MS = 15_000;
const TOPIC_RESOURCE = 2;

export interface NewTopic {
  topic: string;
  partitions: number;
  /** -1: the broker's default. */
  replicationFactor: number;
  configs: Readonly<Record<string, string>>;
}

export const createTopics = api<NewTopic, { error: number; message: string }>({
  name: 'CreateTopics',
  key: 19,
  version: 4,
  write(to, { topic, partitions, replicationFactor, configs }) {
    to.int32(1).string(topic).int32(partitions).int16(replicationFactor).int32(0);
    to.array(Object.entries(configs), ([name, value]) => to.string(name).string(value));
    to.int32(TIMEOUT_MS).boolean(false);
  },
  read(from) {
    from.int32();
    return from.array(() => {
      from.string();
      return { error: from.int16(), message: from.string() };
    })[0]!;
  },
});

export const deleteTopics = api<{ topic: string }, { error: number }>({
  name: 'DeleteTopics',
  key: 20,
  version: 3,
  write: (to, { topic }) => void to.int32(1).string(topic).int32(TIMEOUT_MS),
  read(from) {
    from.int32();
    return from.array(() => {
      from.string();
      return { error: from.int16() };
    })[0]!;
  },
});

export const describeConfigs = api<
  { topic: string; names: readonly string[] },
  { error: number; message: string; configs: Map<string, string | null> }
>({
  name: 'DescribeConfigs',
  key: 32,
  version: 2,
  write(to, { topic, names }) {
    to.int32(1).int8(TOPIC_RESOURCE).string(topic);
    to.array(names, (name) => to.string(name)).boolean(false);
  },
  read(from) {
    from.int32();
    return from.array(() => {
      const result = { error: from.int16(), message: from.string() };
      from.int8();
      from.string();
      const configs = from.array(() => {
        const config = [from.string(), from.nullableString()] as const;
        from.boolean();
        from.int8();
        from.boolean();
        from.array(() => [from.string(), from.nullableString(), from.int8()]);
        return config;
      });
      return { ...result, configs: new Map(configs) };
    })[0]!;
  },
});

/** Sets these and leaves all others as they are. */
export const alterConfigs = api<
  { topic: string; configs: Readonly<Record<string, string>> },
  { error: number; message: string }
>({
  name: 'IncrementalAlterConfigs',
  key: 44,
  version: 0,
  write(to, { topic, configs }) {
    to.int32(1).int8(TOPIC_RESOURCE).string(topic);
    to.array(Object.entries(configs), ([name, value]) => to.string(name).int8(0).string(value));
    to.boolean(false);
  },
  read(from) {
    from.int32();
    return from.array(() => {
      const result = { error: from.int16(), message: from.string() };
      from.int8();
      from.string();
      return result;
    })[0]!;
  },
});

export const deleteRecords = api<
  { topic: string; partition: number; before: number },
  { error: number; startOffset: number }
>({
  name: 'DeleteRecords',
  key: 21,
  version: 1,
  write(to, { topic, partition, before }) {
    to.int32(1).string(topic).int32(1).int32(partition).int64(before).int32(TIMEOUT_MS);
  },
  read(from) {
    from.int32();
    return from.array(() => {
      from.string();
      return from.array(() => {
        from.int32();
        const startOffset = from.int64();
        return { startOffset, error: from.int16() };
      })[0]!;
    })[0]!;
  },
});

export const EARLIEST = -2;
export const LATEST = -1;

export interface ListOffsetsRequest extends TopicPartitions<number> {
  at: typeof EARLIEST | typeof LATEST;
  /** Whether the latest is the last stable offset, or the high watermark. */
  committed: boolean;
}

export const listOffsets = api<ListOffsetsRequest, { partition: number; error: number; offset: number }[]>({
  name: 'ListOffsets',
  key: 2,
  version: 5,
  write(to, { topic, partitions, at, committed }) {
    to.int32(-1)
      .int8(committed ? 1 : 0)
      .int32(1)
      .string(topic);
    to.array(partitions, (partition) => to.int32(partition).int32(-1).int64(at));
  },
  read(from) {
    from.int32();
    return from
      .array(() => {
        from.string();
        return from.array(() => {
          const partition = from.int32();
          const error = from.int16();
          from.bigint();
          const offset = from.int64();
          from.int32();
          return { partition, error, offset };
        });
      })
      .flat();
  },
});
