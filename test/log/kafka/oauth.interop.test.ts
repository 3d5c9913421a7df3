import { afterAll, beforeAll, expect, test } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { newTopicName, readAll, values } from '../../contracts/event-log/harness.js';
import { AUDIENCE, type Authority, CLIENT, startAuthority } from './authority.js';
import { type Broker, freePorts, startBroker } from './broker.js';
import { kafkaSettings } from './client.js';

let authority: Authority;
let broker: Broker;
let address: string;

beforeAll(async () => {
  authority = await startAuthority();
  const [plain, oauth, controller] = await freePorts(3);
  address = `127.0.0.1:${oauth}`;
  const listener = 'listener.name.sasl_plaintext.oauthbearer';
  broker = await startBroker({
    // Nobody but the authority's key decides what is a token.
    options: `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${authority.keysUrl}`,
    properties: {
      listeners: `PLAINTEXT://127.0.0.1:${plain},SASL_PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SASL_PLAINTEXT://${address}`,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'listener.security.protocol.map':
        'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms': 'OAUTHBEARER',
      'sasl.oauthbearer.jwks.endpoint.url': authority.keysUrl,
      'sasl.oauthbearer.expected.audience': AUDIENCE,
      'sasl.oauthbearer.expected.issuer': authority.url,
      [`${listener}.sasl.jaas.config`]:
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ;',
      [`${listener}.sasl.server.callback.handler.class`]:
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler',
    },
  });
});
afterAll(async () => {
  await broker?.remove();
  authority?.close();
});

const settings = (sasl: object) =>
  kafkaSettings({
    brokers: [address],
    retryTimeoutMs: 5_000,
    sasl: { mechanism: 'OAUTHBEARER', ...sasl },
  });

test('the broker takes the tokens that client credentials get, and the next one when their time is over', async () => {
  // Kafka ends a session when its token's time is over: KIP-368.
  authority.lifetimeSeconds = 4;
  const tokenEndpoint = { url: authority.tokenUrl, ...CLIENT, scope: 'events' };
  const log = await openKafkaLog(settings({ tokenEndpoint, extensions: 'logicalCluster=lkc1' }));
  try {
    const topic = newTopicName();
    await log.createTopic(topic, { partitions: 1 });
    const endMs = performance.now() + 8_000;
    let sent = 0;
    for (; performance.now() < endMs; sent++) {
      await log.append(topic, recordBatch([{ value: `${sent}` }]));
      await log.waitForRecords(topic, [sent + 1], { timeoutMs: 200 });
    }
    expect(values(await readAll(log, topic))).toHaveLength(sent);
    expect(authority.asked.length).toBeGreaterThan(1);
  } finally {
    await log.close();
  }
});

test('it refuses the tokens of another authority', async () => {
  const other = await startAuthority();
  const log = await openKafkaLog(settings({ tokenEndpoint: { url: other.tokenUrl, ...CLIENT } }));
  await expect(log.createTopic(newTopicName(), { partitions: 1 })).rejects.toMatchObject({
    kind: 'forbidden',
  });
  await log.close();
  other.close();
});
