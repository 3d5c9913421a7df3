import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { defaultLimits, type EndpointLimits } from '../../packages/eventlake/src/serving/endpoint/limits.js';
import { type EndpointOptions, startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { temporaryFolder } from './processes.js';

const logger = pino({ level: 'silent' });
const FOREVER = 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)';

async function serve(limits: Partial<EndpointLimits> = {}, options: Partial<EndpointOptions> = {}) {
  const dataDir = join(await temporaryFolder(), 'data');
  const endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger, limits, ...options });
  onTestFinished(() => endpoint.close());
  const writer = { 'X-ClickHouse-User': 'writer', 'X-ClickHouse-Key': await readWriterSecret(dataDir) };
  const ask = async (body: string | Buffer, headers: Record<string, string> = {}, path = '/') => {
    const response = await fetch(endpoint.url + path, { method: 'POST', body, headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  /** What runs, this question not counted. */
  const running = async () => {
    const { text } = await ask(
      "SELECT count() FROM system.processes WHERE query LIKE '%sipHash%' AND query NOT LIKE '%processes%'",
      writer,
    );
    return Number(text);
  };
  return { url: endpoint.url, ask, running, writer };
}

const reader = defaultLimits.reader;

test('a query that takes too long ends', async () => {
  const { ask } = await serve({ reader: { ...reader, executionSecondsMax: 1 } });
  const { status, headers } = await ask(FOREVER);
  expect(status).toBe(408);
  expect(headers.get('x-clickhouse-exception-code')).toBe('159');
});

test('a query that needs too much memory ends', async () => {
  const { ask } = await serve({ reader: { ...reader, memoryBytesMax: 50_000_000 } });
  const { headers, text } = await ask('SELECT length(groupArray(number)) FROM numbers(100000000)');
  expect(headers.get('x-clickhouse-exception-code'), text).toBe('241');
});

test("an error that repeats a reader's megabyte is told shortened", async () => {
  const { ask } = await serve();
  const { headers, text } = await ask("SELECT throwIf(1, repeat('a', 1000000))");
  expect(headers.get('x-clickhouse-exception-code')).toBe('395');
  expect(text.length).toBeLessThan(10_000);
});

test('a result that is too big ends, and does not look whole', async () => {
  const { ask } = await serve({ reader: { ...reader, resultBytesMax: 1_000_000 } });
  await expect(ask('SELECT number FROM numbers(10000000)')).rejects.toThrow();
  const whole = await ask('SELECT number FROM numbers(10000000)', {}, '/?wait_end_of_query=1');
  expect(whole.headers.get('x-clickhouse-exception-code')).toBe('396');
});

test('an error after the first bytes is at the end of the body, and the connection is cut', async () => {
  const { url } = await serve();
  const body = 'SELECT throwIf(number = 5000000) FROM numbers(6000000)';
  const outgoing = request(url, { method: 'POST' }).end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  let last = '';
  let isWhole = true;
  response.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-2000);
  });
  response.on('error', () => {
    isWhole = false;
  });
  await new Promise((resolve) => response.once('close', resolve));
  expect(isWhole).toBe(false);
  expect(last).toContain(`__exception__\r\n${String(response.headers['x-clickhouse-exception-tag'])}`);
  expect(last).toMatch(/Code: 395\. DB::Exception: .*FUNCTION_THROW_IF_VALUE_IS_NON_ZERO/);
});

test('a client that disconnects stops its query', async () => {
  const { url, running } = await serve();
  const outgoing = request(url, { method: 'POST' }).end(FOREVER);
  outgoing.on('error', () => {});
  await expect.poll(running, { timeout: 20_000 }).toBe(1);
  outgoing.destroy();
  await expect.poll(running, { timeout: 20_000 }).toBe(0);
});

test('a client that takes nothing is cut off, and its query stops', async () => {
  const { url, running } = await serve({ stallMs: 3000 });
  const outgoing = request(url, { method: 'POST' }).end(
    'SELECT sipHash64(number), number FROM numbers(1000000000)',
  );
  outgoing.on('error', () => {});
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.pause();
  response.on('error', () => {});
  expect(await running()).toBe(1);
  await expect.poll(running, { timeout: 20_000 }).toBe(0);
});

test('a client that takes a little now and then is cut off in the end', async () => {
  const { url } = await serve({ stallMs: 2000, reader: { ...reader, executionSecondsMax: 2 } });
  const outgoing = request(url, { method: 'POST' }).on('error', () => {});
  // One block, made at once, so that the engine is never between two; it would take the client minutes.
  outgoing.end("SELECT repeat('a', 1000000) FROM numbers(300)");
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response
    .on('error', () => {})
    .on('data', () => {
      response.pause();
      setTimeout(() => response.resume(), 100);
    });
  await new Promise((resolve) => response.once('close', resolve));
  expect(response.complete).toBe(false);
});

test('a client that stops sending is cut off', async () => {
  const { url } = await serve({ stallMs: 300 });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nSELECT');
  await once(socket, 'close');
});

test('more queries than may run wait, more than may wait are told to come again', async () => {
  const { ask, url, running } = await serve({ waitingQueriesMax: 1 });
  const stop = new AbortController();
  // Each by itself: equal ones would be run once.
  const busy = Array.from({ length: 32 }, () =>
    fetch(`${url}/?use_query_cache=0`, { method: 'POST', body: FOREVER, signal: stop.signal }).then(
      (response) => response.status,
      () => undefined,
    ),
  );
  const refused = await Promise.race(busy);
  expect(refused).toBe(503);
  const { status, headers } = await ask('SELECT 1');
  expect(status).toBe(503);
  expect(headers.get('x-clickhouse-exception-code')).toBe('202');
  stop.abort();
  await Promise.all(busy);
  await expect.poll(async () => (await ask('SELECT 1')).status, { timeout: 20_000 }).toBe(200);
  await expect.poll(running, { timeout: 20_000 }).toBe(0);
});

test('readers that take nothing of their results do not keep the jobs from writing', async () => {
  const { ask, url, writer } = await serve({ stallMs: 600_000 });
  const stop = new AbortController();
  const slow = Array.from({ length: 20 }, (_, i) => {
    const body = `SELECT number, ${i} FROM numbers(100000000000)`;
    return fetch(url, { method: 'POST', body, signal: stop.signal }).catch(() => undefined);
  });
  await Promise.race(slow);
  expect(await ask('SELECT 1', writer)).toMatchObject({ status: 200, text: '1\n' });
  const others = await Promise.all(Array.from({ length: 10 }, () => ask('SELECT 2', writer)));
  expect(others.map(({ text }) => text)).toEqual(Array.from({ length: 10 }, () => '2\n'));
  stop.abort();
  await Promise.all(slow);
});

test('idle connections give way to who asks, and nobody who waits for an answer does', async () => {
  const { url, ask, running } = await serve({ connectionsMax: 20 });
  const waits = request(url, { method: 'POST' }).on('error', () => {});
  waits.end(FOREVER);
  await expect.poll(running, { timeout: 20_000 }).toBe(1);
  const { hostname, port } = new URL(url);
  const closed: number[] = [];
  for (let i = 0; i < 60; i++) {
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.on('close', () => closed.push(i)).resume();
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    // Half of them have asked something before they idle, or are in the middle of asking.
    if (i % 4 === 0) socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
    if (i % 4 === 1) socket.write('GET /ping HTTP/1.1\r\nHost: local');
    expect((await ask('SELECT 1')).text).toBe('1\n');
  }
  expect(closed.length).toBeGreaterThan(30);
  expect(closed).not.toContain(59);
  expect(await running()).toBe(1);
  waits.destroy();
});

test('bodies, queries and headers have a bound', async () => {
  const { ask, url, writer } = await serve({
    bodyBytesMax: 1000,
    queryBytesMax: 5000,
    headerBytesMax: 20_000,
  });
  await ask('CREATE DATABASE x', writer);
  await ask('CREATE TABLE x.t (a String) ENGINE = MergeTree ORDER BY a', writer);
  const big = await ask(`INSERT INTO x.t FORMAT TSV\n${'a\n'.repeat(1000)}`, writer);
  expect(big.status, big.text).toBe(413);
  expect((await ask('SELECT count() FROM x.t', writer)).text).toBe('0\n');
  expect((await ask(`SELECT ${'1 + '.repeat(5000)} 1`)).status).toBe(413);
  expect((await fetch(url, { headers: { 'X-Long': 'x'.repeat(30_000) } })).status).toBe(431);
  expect((await ask(`SELECT ${'('.repeat(300)}1${')'.repeat(300)}`)).status).toBe(403);
  expect((await ask(`SELECT ${'['.repeat(900)}`, writer)).status).toBe(400);
});

test('a hundred clients at once all get their answers', async () => {
  const { ask } = await serve();
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(`SELECT ${i}`)));
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}\n`));
});

test('an insert whose client goes away half-way inserts nothing', async () => {
  const { ask, url, writer } = await serve();
  await ask('CREATE DATABASE x', writer);
  await ask('CREATE TABLE x.t (a String) ENGINE = MergeTree ORDER BY a', writer);
  const outgoing = request(`${url}/?query=INSERT+INTO+x.t+FORMAT+TSV`, { method: 'POST', headers: writer });
  outgoing.on('error', () => {});
  outgoing.write('a\n'.repeat(100_000));
  await new Promise((resolve) => outgoing.once('drain', resolve));
  outgoing.destroy();
  await ask('SELECT 1', writer);
  expect((await ask('SELECT count() FROM x.t', writer)).text).toBe('0\n');
});

test('without a password, only an address of this machine alone is listened on', async () => {
  const dataDir = await temporaryFolder();
  for (const reader of [undefined, {}, { password: '' }]) {
    await expect(startEndpoint({ dataDir, host: '0.0.0.0', port: 0, logger, reader })).rejects.toMatchObject({
      kind: 'forbidden',
      where: { setting: 'clickhouse.host' },
    });
  }
});

test('readers with a password need it, by header, basic authentication or the URL', async () => {
  const { ask, url } = await serve(
    {},
    { host: '0.0.0.0', reader: { user: 'grafana', password: 'pass:wörd' } },
  );
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  expect((await ask('SELECT 1', basic('grafana:pass:wörd'))).status).toBe(200);
  expect((await ask('SELECT 1', {}, '/?user=grafana&password=pass:w%C3%B6rd')).status).toBe(200);
  expect((await ask('SELECT 1', {}, '/?user=grafana')).status).toBe(401);
  expect((await ask('SELECT 1', basic('grafana:wrong'))).status).toBe(403);
  expect((await ask('SELECT 1', basic('default:pass:wörd'))).status).toBe(403);
  expect((await ask('SELECT 1', basic('writer:pass:wörd'))).status).toBe(403);
  expect((await ask('SELECT 1')).status).toBe(403);
  expect((await fetch(`${url}/ping`)).status).toBe(200);
});

test('a web page whose name was pointed at this machine gets nothing', async () => {
  const { url } = await serve();
  const host = (name: string) =>
    new Promise<number | undefined>((resolve) => {
      request(`${url}/?query=SELECT+1`, { headers: { Host: name } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
  expect(await host('evil.example')).toBe(403);
  expect(await host('127.0.0.1.evil.example:8123')).toBe(403);
  expect(await host('localhost:8123')).toBe(200);
  expect(await host('127.0.0.1')).toBe(200);
  expect(await host('[::1]:8123')).toBe(200);
});

test('nothing that a client sends brings the endpoint down', async () => {
  const { url, ask } = await serve();
  const port = Number(new URL(url).port);
  const send = (bytes: string) =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.resume();
    });
  for (const head of [
    'GET // HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /?query=%ff%fe%00 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /?query=SELECT+1&query_id=a%0d%0ab HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /?query=SELECT+1&query_id=%c3%a9 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /?query=SELECT+1&default_format=%0d%0aX HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'POST http://[/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc',
    'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'POST /?decompress=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc',
    'GET /?param_=1&query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /?query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ////\r\n\r\n',
    'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'nonsense\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
  ]) {
    await send(head);
    expect((await ask('SELECT 1')).text).toBe('1\n');
  }
});

test('two endpoints on one port: the second is told', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  await expect(
    startEndpoint({ dataDir: await temporaryFolder(), host: '127.0.0.1', port, logger }),
  ).rejects.toMatchObject({ kind: 'busy', where: { setting: 'clickhouse.port' } });
});
