import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Reader, Writer } from '../../../packages/eventlake/src/log/kafka/protocol/wire.js';

/** A cluster of one topic, `topic`, that says what no broker can be made to say. Partition n lies on broker n. */
export interface ScriptedCluster {
  addresses: string[];
  /** By partition, the end of its log. */
  ends: number[];
  /** By broker, its connections. */
  open: Set<Socket>[];
  /** What a broker does with a Fetch; answered when it returns bytes, which are the partition's records. */
  fetched(broker: number): Buffer | undefined;
  /** Whether a new connection is taken, once it resolves; by broker and by how many it had before. */
  taken(broker: number, before: number): Promise<unknown> | undefined;
  close(): void;
}

const FETCH = 1;
const LIST_OFFSETS = 2;
const METADATA = 3;
const API_VERSIONS = 18;
const TOPIC_ID = '0123456789abcdef0123456789abcdef';

export async function startScriptedCluster(brokers: number): Promise<ScriptedCluster> {
  const servers = Array.from({ length: brokers }, (_, id) => {
    let connections = 0;
    return createServer((socket) => {
      cluster.open[id]!.add(socket);
      socket.on('error', () => {}).on('close', () => cluster.open[id]!.delete(socket));
      const taken = cluster.taken(id, connections++);
      let rest = Buffer.alloc(0);
      socket.on('data', async (data: Buffer) => {
        rest = Buffer.concat([rest, data]);
        await taken;
        while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
          const answer = answerTo(cluster, id, new Reader(rest.subarray(4)));
          rest = rest.subarray(4 + rest.readInt32BE(0));
          if (answer) socket.write(answer);
        }
      });
    }).listen(0, '127.0.0.1');
  });
  const cluster: ScriptedCluster = {
    addresses: [],
    ends: servers.map(() => 0),
    open: servers.map(() => new Set()),
    fetched: () => undefined,
    taken: () => undefined,
    close() {
      for (const socket of cluster.open.flatMap((sockets) => [...sockets])) socket.destroy();
      for (const server of servers) server.close();
    },
  };
  await Promise.all(servers.map((server) => once(server, 'listening')));
  cluster.addresses = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  return cluster;
}

function answerTo(cluster: ScriptedCluster, broker: number, from: Reader): Buffer | undefined {
  const key = from.int16();
  from.int16();
  const to = new Writer().int32(0).int32(from.int32());
  from.string();
  if (key === API_VERSIONS) {
    to.int16(0).array([FETCH, LIST_OFFSETS, METADATA], (api) => to.int16(api).int16(0).int16(13));
  } else if (key === METADATA) metadata(cluster, to);
  else if (key === LIST_OFFSETS) offsets(cluster, from, to);
  else {
    const records = cluster.fetched(broker);
    if (!records) return undefined;
    to.noTags().int32(0).int16(0).int32(0);
    to.compactArray([broker], () => {
      to.uuid(TOPIC_ID).compactArray([broker], (partition) => {
        const end = cluster.ends[partition]!;
        to.int32(partition)
          .int16(0)
          .int64(end)
          .int64(end)
          .int64(0)
          .compactArray([], () => {});
        to.int32(-1)
          .unsignedVarint(records.length + 1)
          .raw(records)
          .noTags();
      });
      to.noTags();
    });
    to.noTags();
  }
  const frame = Buffer.concat(to.finish());
  frame.writeInt32BE(frame.length - 4, 0);
  return frame;
}

function metadata({ addresses }: ScriptedCluster, to: Writer): void {
  to.noTags().int32(0);
  to.compactArray(addresses, (address) => {
    const port = Number(address.split(':')[1]);
    to.int32(addresses.indexOf(address)).compactString('127.0.0.1').int32(port).compactString(null).noTags();
  });
  to.compactString('scripted').int32(0);
  to.compactArray(['topic'], (topic) => {
    to.int16(0).compactString(topic).uuid(TOPIC_ID).boolean(false);
    to.compactArray(addresses, (address) => {
      const id = addresses.indexOf(address);
      to.int16(0).int32(id).int32(id).int32(0);
      for (let list = 0; list < 3; list++) to.compactArray([], () => {});
      to.noTags();
    });
    to.int32(0).noTags();
  });
  to.noTags();
}

/** Of both ends: the log begins at 0. */
function offsets({ ends }: ScriptedCluster, from: Reader, to: Writer): void {
  from.int32();
  from.int8();
  const topics = from.array(() => ({
    topic: from.string(),
    partitions: from.array(() => {
      const partition = from.int32();
      from.int32();
      return { partition, offset: from.int64() === -1 ? ends[partition]! : 0 };
    }),
  }));
  to.int32(0).array(topics, ({ topic, partitions }) => {
    to.string(topic).array(partitions, ({ partition, offset }) => {
      to.int32(partition).int16(0).int64(-1).int64(offset).int32(-1);
    });
  });
}
