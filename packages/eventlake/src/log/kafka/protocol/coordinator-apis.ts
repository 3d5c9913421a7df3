import { api } from './api.js';

export const initProducerId = api<
  { transactionalId: string | null; timeoutMs: number },
  { error: number; producerId: bigint; epoch: number }
>({
  name: 'InitProducerId',
  key: 22,
  version: 1,
  write: (to, { transactionalId, timeoutMs }) => void to.string(transactionalId).int32(timeoutMs),
  read(from) {
    from.int32();
    return { error: from.int16(), producerId: from.bigint(), epoch: from.int16() };
  },
});

interface Transaction {
  transactionalId: string;
  producerId: bigint;
  epoch: number;
}

export const addPartitionsToTxn = api<
  Transaction & { partitions: readonly { topic: string; partition: number }[] },
  { error: number }
>({
  name: 'AddPartitionsToTxn',
  key: 24,
  version: 2,
  write(to, { transactionalId, producerId, epoch, partitions }) {
    to.string(transactionalId).int64(producerId).int16(epoch);
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    to.array(topics, (topic) => {
      const of = partitions.filter((each) => each.topic === topic);
      to.string(topic).array(of, ({ partition }) => to.int32(partition));
    });
  },
  read(from) {
    from.int32();
    const errors = from.array(() => {
      from.string();
      return from.array(() => {
        from.int32();
        return from.int16();
      });
    });
    return { error: errors.flat().find((error) => error !== 0) ?? 0 };
  },
});

export const endTxn = api<Transaction & { commit: boolean }, { error: number }>({
  name: 'EndTxn',
  key: 26,
  version: 2,
  write(to, { transactionalId, producerId, epoch, commit }) {
    to.string(transactionalId).int64(producerId).int16(epoch).boolean(commit);
  },
  read(from) {
    from.int32();
    return { error: from.int16() };
  },
});

export interface CommittedOffset {
  partition: number;
  offset: number;
  metadata: string;
}

/** By nobody's member: what a consumer without a group's assignment sends. */
export const offsetCommit = api<
  { group: string; topic: string; offsets: readonly CommittedOffset[] },
  { error: number }
>({
  name: 'OffsetCommit',
  key: 8,
  version: 7,
  write(to, { group, topic, offsets }) {
    to.string(group).int32(-1).string('').string(null).int32(1).string(topic);
    to.array(offsets, ({ partition, offset, metadata }) =>
      to.int32(partition).int64(offset).int32(-1).string(metadata),
    );
  },
  read(from) {
    from.int32();
    const errors = from.array(() => {
      from.string();
      return from.array(() => {
        from.int32();
        return from.int16();
      });
    });
    return { error: errors.flat().find((error) => error !== 0) ?? 0 };
  },
});

export const offsetFetch = api<
  { group: string; topic: string; partitions: readonly number[] },
  { error: number; offsets: CommittedOffset[] }
>({
  name: 'OffsetFetch',
  key: 9,
  version: 5,
  write(to, { group, topic, partitions }) {
    to.string(group).int32(1).string(topic);
    to.array(partitions, (partition) => to.int32(partition));
  },
  read(from) {
    from.int32();
    const topics = from.array(() => {
      from.string();
      return from.array(() => {
        const partition = from.int32();
        const offset = from.int64();
        from.int32();
        return { partition, offset, metadata: from.string(), error: from.int16() };
      });
    });
    const offsets = topics.flat();
    const error = from.int16() || (offsets.find((each) => each.error !== 0)?.error ?? 0);
    return { error, offsets };
  },
});

export const listGroups = api<undefined, { error: number; groups: string[] }>({
  name: 'ListGroups',
  key: 16,
  version: 2,
  write() {},
  read(from) {
    from.int32();
    return {
      error: from.int16(),
      groups: from.array(() => {
        const group = from.string();
        from.string();
        return group;
      }),
    };
  },
});
