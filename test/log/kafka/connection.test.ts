import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { kafkaSettings } from './client.js';

/** What answers on a port, which need not be Kafka. */
async function listening(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The answer to ApiVersions: its correlation id (the first one), and that every request is taken. */
function answerTo(correlationId: number, ...rest: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), ...rest]);
  body.writeInt32BE(correlationId, 0);
  const frame = Buffer.alloc(4);
  frame.writeInt32BE(body.length, 0);
  return Buffer.concat([frame, body]);
}

const bytes = (...values: number[]) => Buffer.from(values);

/** ApiVersions that knows Metadata in version 11, so that the next request comes. */
const API_VERSIONS = answerTo(1, bytes(0, 0), bytes(0, 0, 0, 1), bytes(0, 3, 0, 0, 0, 13));

test.each<[string, (socket: Socket) => void]>([
  ['closes at once', (socket) => socket.destroy()],
  ['says nothing', () => {}],
  ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['claims an endless answer', (socket) => socket.write(bytes(0x7f, 0xff, 0xff, 0xff))],
  ['answers another request', (socket) => socket.write(answerTo(77, bytes(0, 0)))],
  ['cuts its answer', (socket) => socket.write(API_VERSIONS.subarray(0, 9))],
  ['ends an answer too early', (socket) => socket.write(answerTo(1, bytes(0, 0), bytes(0, 0, 0, 9)))],
  [
    'answers the second request with nonsense',
    (socket) => {
      socket.once('data', () => {
        socket.once('data', () => socket.write(answerTo(2, bytes(0xff, 0xff, 0xff, 0xff, 0xff))));
        socket.write(API_VERSIONS);
      });
    },
  ],
])('something that %s is a broker that cannot be reached, and is told in time', async (_, serve) => {
  const brokers = [await listening(serve)];
  const timeouts = { connectTimeoutMs: 300, requestTimeoutMs: 300, retryTimeoutMs: 300 };
  const log = await openKafkaLog(kafkaSettings({ brokers, ...timeouts }));
  onTestFinished(() => log.close());
  await expect(log.topic('topic')).rejects.toMatchObject({ kind: 'unavailable', where: { url: brokers[0] } });
});

test('a broker that is too old says which request it does not take', async () => {
  const brokers = [
    await listening((socket) =>
      socket.write(answerTo(1, bytes(0, 0), bytes(0, 0, 0, 1), bytes(0, 3, 0, 0, 0, 4))),
    ),
  ];
  const log = await openKafkaLog(kafkaSettings({ brokers }));
  onTestFinished(() => log.close());
  await expect(log.topic('topic')).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringContaining('Metadata'),
    hint: expect.stringContaining('3.0'),
  });
});

test.each(['', 'host:0', 'host:99999', 'http://host:9092', 'two words'])(
  '%j is no broker',
  async (broker) => {
    await expect(openKafkaLog(kafkaSettings({ brokers: [broker] }))).rejects.toMatchObject({
      kind: 'invalid',
      where: { setting: 'log.kafka.brokers' },
    });
  },
);

test('SASL without what its mechanism needs is told before anything is sent', async () => {
  const brokers = ['127.0.0.1:9'];
  for (const [sasl, setting] of [
    [{ mechanism: 'PLAIN' as const, username: 'u' }, 'log.kafka.sasl.password'],
    [{ mechanism: 'SCRAM-SHA-512' as const, password: 'p' }, 'log.kafka.sasl.username'],
    [{ mechanism: 'OAUTHBEARER' as const }, 'log.kafka.sasl.tokenFile'],
  ] as const) {
    await expect(openKafkaLog(kafkaSettings({ brokers, sasl }))).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(setting),
    });
  }
});

test('whoever stops waits no longer for brokers that are away', async () => {
  // It answers nobody for longer than this test may take.
  const brokers = [await listening((socket) => socket.destroy())];
  const stopping = new AbortController();
  const log = await openKafkaLog(kafkaSettings({ brokers, retryTimeoutMs: 3_600_000 }), stopping.signal);
  onTestFinished(() => log.close());
  const asked = [
    log.topic('topic'),
    log.positions('job', 'topic'),
    log.createTopic('topic', { partitions: 1 }),
  ];
  const answers = Promise.allSettled(asked);
  setTimeout(() => stopping.abort(), 100);
  for (const answer of await answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
});
