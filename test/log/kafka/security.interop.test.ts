import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { newTopicName, readAll, values } from '../../contracts/event-log/harness.js';
import { type Broker, freePorts, kafkaTool, startBroker } from './broker.js';
import { kafkaSettings, type SomeSettings } from './client.js';

const dir = mkdtempSync(join(tmpdir(), 'eventlake-kafka-tls-'));
const at = (name: string) => join(dir, name);
let broker: Broker;
let addresses: { ssl: string; saslSsl: string; plain: string };

beforeAll(async () => {
  makeCertificates();
  const [plain, ssl, saslSsl, controller] = await freePorts(4);
  addresses = { plain: `127.0.0.1:${plain}`, ssl: `localhost:${ssl}`, saslSsl: `localhost:${saslSsl}` };
  const jaas = (mechanism: string, module: string, options: string) => ({
    [`listener.name.sasl_ssl.${mechanism}.sasl.jaas.config`]: `org.apache.kafka.common.security.${module} required ${options};`,
  });
  broker = await startBroker({
    properties: {
      listeners: `PLAINTEXT://127.0.0.1:${plain},SSL://127.0.0.1:${ssl},SASL_SSL://127.0.0.1:${saslSsl},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SSL://localhost:${ssl},SASL_SSL://localhost:${saslSsl}`,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': at('broker.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': at('ca.crt'),
      'listener.name.ssl.ssl.client.auth': 'required',
      'listener.name.sasl_ssl.ssl.client.auth': 'none',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      ...jaas('plain', 'plain.PlainLoginModule', 'user_shop="plain, secret=1"'),
      ...jaas('scram-sha-256', 'scram.ScramLoginModule', ''),
      ...jaas('scram-sha-512', 'scram.ScramLoginModule', ''),
      ...jaas('oauthbearer', 'oauthbearer.OAuthBearerLoginModule', ''),
      'listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms': '2000',
    },
  });
  const scram = (mechanism: string, user: string, password: string) =>
    kafkaTool('org.apache.kafka.tools.ConfigCommand', [
      ...['--bootstrap-server', addresses.plain, '--alter', '--entity-type', 'users', '--entity-name', user],
      ...['--add-config', `${mechanism}=[iterations=4096,password=${password}]`],
    ]);
  await scram('SCRAM-SHA-256', 'shop', 'scram-256-secret');
  await scram('SCRAM-SHA-512', 'shop', 'scram-512-secret');
});
afterAll(async () => {
  await broker?.remove();
  rmSync(dir, { recursive: true, force: true });
});

const SSL = { enabled: true, caFile: at('ca.crt') };

async function sendAndReceive(settings: SomeSettings): Promise<void> {
  const log = await openKafkaLog(kafkaSettings({ ...settings, retryTimeoutMs: 5_000 }));
  try {
    const topic = newTopicName();
    await log.createTopic(topic, { partitions: 1 });
    await log.append(topic, recordBatch([{ value: 'over the wire' }]));
    expect(values(await readAll(log, topic))).toEqual(['over the wire']);
  } finally {
    await log.close();
  }
}

test('mutual TLS', async () => {
  const mutual = { ...SSL, certFile: at('client.crt'), keyFile: at('client.key') };
  await sendAndReceive({ brokers: [addresses.ssl], tls: mutual });
  // Without a certificate of our own, and against another authority than the one that we know.
  await expect(sendAndReceive({ brokers: [addresses.ssl], tls: SSL })).rejects.toMatchObject({
    kind: 'unavailable',
  });
  const others = { ...mutual, caFile: at('client.crt') };
  await expect(sendAndReceive({ brokers: [addresses.ssl], tls: others })).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/certificate|signed/),
  });
});

test.each([
  ['PLAIN', 'plain, secret=1'],
  ['SCRAM-SHA-256', 'scram-256-secret'],
  ['SCRAM-SHA-512', 'scram-512-secret'],
] as const)('SASL %s over TLS', async (mechanism, password) => {
  const brokers = [addresses.saslSsl];
  await sendAndReceive({ brokers, tls: SSL, sasl: { mechanism, username: 'shop', password } });
  const wrong = { mechanism, username: 'shop', password: 'not-the-secret' };
  const refused = sendAndReceive({ brokers, tls: SSL, sasl: wrong });
  await expect(refused).rejects.toMatchObject({ kind: 'forbidden', where: { setting: 'log.kafka.sasl' } });
  await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('not-the-secret') });
});

test('SASL OAUTHBEARER, the token read anew as sessions end', async () => {
  const tokenFile = at('token');
  writeFileSync(tokenFile, `${unsecuredToken()}\n`);
  const settings = kafkaSettings({
    brokers: [addresses.saslSsl],
    tls: SSL,
    sasl: { mechanism: 'OAUTHBEARER', tokenFile },
  });
  const log = await openKafkaLog(settings);
  try {
    const topic = newTopicName();
    await log.createTopic(topic, { partitions: 1 });
    // Sessions last for two seconds here.
    const endMs = performance.now() + 6_000;
    let sent = 0;
    for (; performance.now() < endMs; sent++) {
      await log.append(topic, recordBatch([{ value: `${sent}` }]));
      await log.waitForRecords(topic, [sent + 1], { timeoutMs: 200 });
    }
    expect(values(await readAll(log, topic))).toHaveLength(sent);
  } finally {
    await log.close();
  }
  writeFileSync(tokenFile, 'no token');
  const refused = sendAndReceive(settings as typeof settings & { brokers: string[] });
  await expect(refused).rejects.toMatchObject({ kind: 'forbidden' });
});

/** What Kafka's own test validator takes: a JSON Web Token without a signature. */
function unsecuredToken(): string {
  const now = Date.now() / 1_000;
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: 'shop', iat: now, exp: now + 3_600 })}.`;
}

/** An authority, the brokers' certificate and ours. */
function makeCertificates(): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  openssl(
    ...'req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt -subj /CN=authority'.split(' '),
  );
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost');
  for (const name of ['broker', 'client']) {
    openssl(
      ...`req -newkey rsa:2048 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`.split(' '),
    );
    openssl(
      ...`x509 -req -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out ${name}.crt`.split(
        ' ',
      ),
    );
  }
  writeFileSync(at('broker.pem'), execFileSync('cat', ['broker.key', 'broker.crt'], { cwd: dir }));
}
