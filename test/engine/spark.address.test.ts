import { expect, test } from 'vitest';
import { parseAddress } from '../../packages/eventlake/src/engine/spark/connect/address.js';

test("Spark's notation for addresses: port, TLS, user, headers", () => {
  expect(parseAddress('sc://spark.example')).toMatchObject({
    host: 'spark.example',
    port: 15002,
    tls: false,
    userId: 'eventlake',
    token: undefined,
    headers: {},
  });
  const managed = 'sc://host:443/;use_ssl=true;user_id=me;session_id=x;x-cluster_id=12%2F3';
  expect(parseAddress(managed)).toMatchObject({
    ...{ host: 'host', port: 443, tls: true, userId: 'me' },
    headers: { 'x-cluster_id': '12/3' },
  });
});

test('a token is sent encrypted, but to this machine; and it is in no message', () => {
  expect(parseAddress('sc://host:1/;token=secret')).toMatchObject({ token: 'secret', tls: true });
  expect(parseAddress('sc://host:1', 'secret').tls).toBe(true);
  expect(parseAddress('sc://127.0.0.1:1', 'secret').tls).toBe(false);
  expect(parseAddress('sc://host:1/;token=secret').shown).toBe('sc://host:1');
});

test.each(['http://host', 'sc://', 'sc://host:port'])('%s is none', (url) => {
  expect(() => parseAddress(url)).toThrow(expect.objectContaining({ kind: 'invalid' }));
});
