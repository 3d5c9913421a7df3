import { gzipSync } from 'node:zlib';
import { type ClickHouseClient, createClient, type DataFormat } from '@clickhouse/client';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { type Endpoint, startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { makeFolder } from './processes.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let endpoint: Endpoint;
let writer: ClickHouseClient;
let credentials: Record<string, string>;

beforeAll(async () => {
  folder = await makeFolder();
  const logger = pino({ level: 'silent' });
  endpoint = await startEndpoint({ dataDir: folder.path, host: '127.0.0.1', port: 0, logger });
  const password = await readWriterSecret(folder.path);
  credentials = { 'X-ClickHouse-User': 'writer', 'X-ClickHouse-Key': password };
  writer = createClient({ url: endpoint.url, username: 'writer', password });
  await writer.command({ query: 'CREATE DATABASE realtime' });
});
afterAll(async () => {
  await writer?.close();
  await endpoint?.close();
  await folder?.remove();
});

const post = (body: string | Buffer, parameters = '', headers: Record<string, string> = {}) =>
  fetch(`${endpoint.url}/?${parameters}`, { method: 'POST', body, headers });

describe('@clickhouse/client', () => {
  const streamable: DataFormat[] = [
    'JSONEachRow',
    'JSONStringsEachRow',
    'JSONCompactEachRow',
    'JSONCompactEachRowWithNames',
    'JSONCompactEachRowWithNamesAndTypes',
    'JSONCompactStringsEachRow',
    'CSV',
    'CSVWithNames',
    'CSVWithNamesAndTypes',
    'TabSeparated',
    'TabSeparatedRaw',
    'TabSeparatedWithNames',
    'TabSeparatedWithNamesAndTypes',
    'CustomSeparated',
  ];
  const whole: DataFormat[] = [
    'JSON',
    'JSONStrings',
    'JSONCompact',
    'JSONCompactStrings',
    'JSONColumnsWithMetadata',
    'JSONObjectEachRow',
  ];

  describe.each([false, true])('with compression: %s', (compress) => {
    let client: ClickHouseClient;
    beforeAll(() => {
      client = createClient({ url: endpoint.url, compression: { response: compress, request: compress } });
    });
    afterAll(() => client.close());

    test.each(streamable)('%s as a stream, its header once', async (format) => {
      const result = await client.query({
        query: 'SELECT number AS n, toString(number) AS s FROM numbers(200000)',
        format,
      });
      let rows = 0;
      for await (const part of result.stream()) rows += part.length;
      const headers = format.includes('AndTypes') ? 2 : format.includes('WithNames') ? 1 : 0;
      expect(rows).toBe(200_000 + headers);
    });

    test.each(whole)('%s', async (format) => {
      const text = await (
        await client.query({ query: 'SELECT number AS n FROM numbers(100000)', format })
      ).text();
      expect(JSON.parse(text)).toBeTypeOf('object');
    });

    test('ping, errors and parameters', async () => {
      expect(await client.ping()).toEqual({ success: true });
      await expect(client.query({ query: 'SELECT nope' })).rejects.toMatchObject({
        code: '47',
        type: 'UNKNOWN_IDENTIFIER',
      });
      const result = await client.query({
        query: 'SELECT {s:String} AS s, {a:Array(Int32)} AS a, {n:Nullable(Int32)} AS n, {d:DateTime} AS d',
        query_params: { s: "tab\t'\\\n", a: [1, 2], n: null, d: new Date(0) },
        format: 'JSONEachRow',
      });
      expect(await result.json()).toEqual([
        { s: "tab\t'\\\n", a: [1, 2], n: null, d: '1970-01-01 00:00:00' },
      ]);
    });

    test('an error in the middle of a stream is an error', async () => {
      const query = 'SELECT throwIf(number = 5000000) AS x FROM numbers(6000000)';
      const read = async () => {
        const result = await client.query({ query, format: 'JSONEachRow' });
        for await (const _ of result.stream());
      };
      await expect(read()).rejects.toThrow();
    });
  });

  test('inserts of every kind', async () => {
    await writer.command({
      query: 'CREATE TABLE realtime.i (a Int32, s String) ENGINE = MergeTree ORDER BY a',
    });
    await writer.insert({ table: 'realtime.i', values: [{ a: 1, s: "it's; \\" }], format: 'JSONEachRow' });
    await writer.insert({
      table: 'realtime.i',
      values: [[2, 'b']],
      format: 'JSONCompactEachRow',
      columns: ['a', 's'],
    });
    await writer.command({ query: "INSERT INTO realtime.i VALUES (3, 'c;d'), (4, 'FORMAT CSV')" });
    await writer.exec({ query: 'INSERT INTO realtime.i SELECT 5, {s:String}', query_params: { s: 'e' } });
    const result = await writer.query({
      query: 'SELECT a, s FROM realtime.i ORDER BY a',
      format: 'JSONCompactEachRow',
    });
    expect(await result.json()).toEqual([
      [1, "it's; \\"],
      [2, 'b'],
      [3, 'c;d'],
      [4, 'FORMAT CSV'],
      [5, 'e'],
    ]);
  });
});

describe('over HTTP', () => {
  test('headers as a server sends them', async () => {
    const { headers } = await post('SELECT 1', 'query_id=abc&default_format=CSV');
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-clickhouse-query-id': 'abc',
      'x-clickhouse-timezone': 'UTC',
      'x-clickhouse-format': 'CSV',
      'x-clickhouse-server-display-name': 'eventlake',
      'content-type': 'text/csv; charset=UTF-8; header=absent',
    });
    expect(JSON.parse(headers.get('x-clickhouse-summary')!)).toMatchObject({ read_rows: '1' });
  });

  test('FORMAT comes before the header, the header before default_format', async () => {
    const format = { 'X-ClickHouse-Format': 'CSV' };
    expect(
      (await post("SELECT 'a' FORMAT JSONCompactEachRow", 'default_format=TSV', format)).headers.get(
        'x-clickhouse-format',
      ),
    ).toBe('JSONCompactEachRow');
    expect(await (await post("SELECT 'a'", 'default_format=TSV', format)).text()).toBe('"a"\n');
    expect(await (await post("SELECT 'a'", 'default_format=JSONEachRow')).text()).toBe(`{"'a'":"a"}\n`);
    expect(await (await post("SELECT 'a'")).text()).toBe('a\n');
  });

  test.each(['gzip', 'deflate', 'br'])('a response as %s', async (encoding) => {
    const response = await post('SELECT number FROM numbers(1000)', '', { 'Accept-Encoding': encoding });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect((await response.text()).split('\n')).toHaveLength(1001);
    const plain = await post('SELECT 1', 'enable_http_compression=0', { 'Accept-Encoding': encoding });
    expect(plain.headers.get('content-encoding')).toBeNull();
  });

  test('a request as gzip, and one that is none', async () => {
    const headers = { 'Content-Encoding': 'gzip' };
    expect(await (await post(gzipSync('SELECT 42'), '', headers)).text()).toBe('42\n');
    const broken = await post('SELECT 42', '', headers);
    expect(broken.status).toBe(400);
    expect(broken.headers.get('x-clickhouse-exception-code')).toBe('271');
  });

  test('an empty Native result has its columns, compressed or not', async () => {
    for (const encoding of ['identity', 'gzip', 'deflate', 'br']) {
      const response = await post('SELECT 1 AS a, now() AS t WHERE 0', 'default_format=Native', {
        'Accept-Encoding': encoding,
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.toString('latin1'), encoding).toBe('\x02\x00\x01a\x05UInt8\x01t\x08DateTime');
    }
  });

  test('the first question of clickhouse-go', async () => {
    const query = 'SELECT displayName(), version(), revision(), timezone()';
    const response = await post(query, 'default_format=Native&client_protocol_version=54460');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect([...bytes.subarray(0, 10)]).toEqual([1, 0, 2, 255, 255, 255, 255, 0, 4, 1]);
    expect(bytes.toString('latin1')).toContain('displayName()\x06String\x00\x09eventlake');
  });

  test('a session keeps what was made in it, for one request at a time', async () => {
    const inSession = (sql: string, more = '') => post(sql, `session_id=s1${more}`, credentials);
    expect((await inSession('SELECT 1', '&session_check=1')).status).toBe(404);
    expect((await inSession('CREATE TEMPORARY TABLE kept (a Int32)')).status).toBe(200);
    expect((await inSession('INSERT INTO kept VALUES (1), (2)')).status).toBe(200);
    expect(await (await inSession('SELECT sum(a) FROM kept', '&session_check=1')).text()).toBe('3\n');
    expect((await post('SELECT sum(a) FROM kept', '', credentials)).status).toBe(404);
    const both = await Promise.all([inSession('SELECT sleep(0.5)'), inSession('SELECT sleep(0.5)')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 500]);
  });

  test('a GET changes nothing, and an address without a query is a sign of life', async () => {
    const get = (path: string) => fetch(`${endpoint.url}${path}`, { headers: credentials });
    expect((await get('/?query=CREATE+DATABASE+y')).status).toBe(500);
    for (const path of ['/', '/ping', '/replicas_status'])
      expect(await (await get(path)).text()).toBe('Ok.\n');
    expect((await get('/nothing')).status).toBe(404);
  });

  test('settings of one request do not reach the next', async () => {
    await post('SELECT 1', 'join_use_nulls=1&output_format_csv_delimiter=;', {});
    expect(await (await post('SELECT 1, 2 FORMAT CSV')).text()).toBe('1,2\n');
  });

  test('what is said of an error', async () => {
    const response = await post('SELECT 1 +');
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(
      /^Code: 62\. DB::Exception: .*\(SYNTAX_ERROR\) \(version [\d.]+\)\n$/s,
    );
    expect((await post('SELECT 1 FORMAT Nothing')).status).toBe(404);
    expect((await post('')).status).toBe(400);
  });
});
