import { api } from './api.js';
import type { Reader } from './wire.js';

export interface ApiRange {
  key: number;
  min: number;
  max: number;
}

export const apiVersions = api<undefined, { error: number; ranges: ApiRange[] }>({
  name: 'ApiVersions',
  key: 18,
  version: 0,
  write() {},
  read: (from) => ({
    error: from.int16(),
    ranges: from.array(() => ({ key: from.int16(), min: from.int16(), max: from.int16() })),
  }),
});

export interface Metadata {
  brokers: { id: number; host: string; port: number }[];
  clusterId: string;
  controllerId: number;
  topics: {
    error: number;
    topic: string;
    topicId: string;
    partitions: { error: number; partition: number; leader: number; replicas: number; inSync: number }[];
  }[];
}

/** All topics where `topics` is null. */
export const metadata = api<{ topics: readonly string[] | null }, Metadata>({
  name: 'Metadata',
  key: 3,
  version: 11,
  flexible: true,
  write(to, { topics }) {
    if (topics === null) to.unsignedVarint(0);
    else to.compactArray(topics, (topic) => to.raw(NO_ID).compactString(topic).noTags());
    // No topic comes to be because somebody asked for it; no list of what we may do.
    to.boolean(false).boolean(false).noTags();
  },
  read(from) {
    from.int32();
    const brokers = from.compactArray(() => {
      const broker = { id: from.int32(), host: from.compactString(), port: from.int32() };
      from.compactString();
      from.skipTags();
      return broker;
    });
    return {
      brokers,
      clusterId: from.compactString(),
      controllerId: from.int32(),
      topics: from.compactArray(() => {
        const topic = { error: from.int16(), topic: from.compactString(), topicId: from.uuid() };
        from.boolean();
        const partitions = from.compactArray(() => readPartition(from));
        from.int32();
        from.skipTags();
        return { ...topic, partitions };
      }),
    };
  },
});

const NO_ID = Buffer.alloc(16);

function readPartition(from: Reader) {
  const partition = { error: from.int16(), partition: from.int32(), leader: from.int32() };
  from.int32();
  const brokers = () => from.compactArray(() => from.int32()).length;
  const counts = { replicas: brokers(), inSync: brokers() };
  // Those that are offline.
  brokers();
  from.skipTags();
  return { ...partition, ...counts };
}

export const saslHandshake = api<{ mechanism: string }, { error: number; mechanisms: string[] }>({
  name: 'SaslHandshake',
  key: 17,
  version: 1,
  write: (to, { mechanism }) => void to.string(mechanism),
  read: (from) => ({ error: from.int16(), mechanisms: from.array(() => from.string()) }),
});

export interface SaslAnswer {
  error: number;
  message: string;
  bytes: Buffer;
  sessionLifetimeMs: number;
}

export const saslAuthenticate = api<{ bytes: Uint8Array }, SaslAnswer>({
  name: 'SaslAuthenticate',
  key: 36,
  version: 1,
  write: (to, { bytes }) => void to.bytes(bytes),
  read: (from) => ({
    error: from.int16(),
    message: from.string(),
    bytes: from.bytes(),
    sessionLifetimeMs: from.int64(),
  }),
});

export const findCoordinator = api<
  { key: string; type: 'group' | 'transaction' },
  { error: number; message: string; id: number; host: string; port: number }
>({
  name: 'FindCoordinator',
  key: 10,
  version: 2,
  write: (to, { key, type }) => void to.string(key).int8(type === 'group' ? 0 : 1),
  read(from) {
    from.int32();
    return {
      error: from.int16(),
      message: from.string(),
      id: from.int32(),
      host: from.string(),
      port: from.int32(),
    };
  },
});
