import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { tokensFrom } from '../../../packages/eventlake/src/log/kafka/token-endpoint.js';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { type Authority, CLIENT, startAuthority } from './authority.js';
import { kafkaSettings } from './client.js';

let authority: Authority;
beforeAll(async () => {
  authority = await startAuthority();
});
afterEach(() => {
  authority.answer = undefined;
  authority.lifetimeSeconds = 3_600;
  authority.asked.length = 0;
});
afterAll(() => authority.close());

const tokens = (more: { url?: string; clientSecret?: string; timeoutMs?: number } = {}) =>
  tokensFrom({ url: authority.tokenUrl, ...CLIENT, scope: 'read write', timeoutMs: 5_000, ...more });

test('a token is asked for once, by client credentials, and used until most of its time is over', async () => {
  const token = tokens();
  const [first, same] = await Promise.all([token(), token()]);
  expect(first).toBe(same);
  expect(await token()).toBe(first);
  expect(authority.asked.map((form) => Object.fromEntries(form))).toEqual([
    { grant_type: 'client_credentials', scope: 'read write' },
  ]);
  authority.lifetimeSeconds = 0.001;
  const short = tokens();
  await short();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([short(), short()]);
  expect(authority.asked.length).toBeGreaterThanOrEqual(3);
});

test('wrong credentials are forbidden, and no error tells the secret', async () => {
  const refused = tokens({ clientSecret: 'not-the-secret' })();
  await expect(refused).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining('invalid_client, nobody we know'),
  });
  await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('not-the-secret') });
});

test.each([
  ['an error of its own', (status: number) => status],
  ['nothing in time', () => undefined],
])('%s is worth another try, and the next one is made', async (_, statusOf) => {
  const token = tokens({ timeoutMs: 200 });
  authority.answer = (response) => {
    const status = statusOf(503);
    if (status) response.writeHead(status).end('<html>');
  };
  await expect(token()).rejects.toMatchObject({ kind: 'unavailable' });
  authority.answer = undefined;
  expect(await token()).toMatch(/^ey/);
});

test('what is no token is none, however much of it comes, and the secret goes nowhere else', async () => {
  for (const body of ['[]', 'null', '{"access_token":7}', 'x'.repeat(3_000_000)]) {
    authority.answer = (response) => void response.writeHead(200).end(body);
    await expect(tokens()()).rejects.toMatchObject({ kind: 'forbidden' });
  }
  authority.answer = (response) => void response.writeHead(307, { location: authority.keysUrl }).end();
  await expect(tokens()()).rejects.toMatchObject({ kind: 'unavailable' });
  for (const url of ['http://identity.example.com/token', 'file:///etc/passwd', 'no address'])
    expect(() => tokens({ url })).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

test('settings that do not fit together are refused before anybody is asked', async () => {
  const brokers = ['127.0.0.1:1'];
  const open = (sasl: object) =>
    openKafkaLog(kafkaSettings({ brokers, sasl: { mechanism: 'OAUTHBEARER', ...sasl } }));
  const tokenEndpoint = { url: authority.tokenUrl, ...CLIENT };
  await expect(open({ tokenEndpoint: { url: authority.tokenUrl } })).rejects.toThrow(/clientId/);
  await expect(open({ tokenEndpoint: { ...tokenEndpoint, clientSecret: undefined } })).rejects.toThrow(
    /clientSecret/,
  );
  await expect(open({ tokenEndpoint, extensions: 'logical cluster=1' })).rejects.toThrow(/name=value/);
});
