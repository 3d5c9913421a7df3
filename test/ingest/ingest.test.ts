import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { IngestProgress } from '../../packages/eventlake/src/ingest/ingest.js';
import { RECORD_BYTES_MAX } from '../../packages/eventlake/src/limits.js';
import { partitionOf } from '../../packages/eventlake/src/log/partitioner.js';
import { readAll } from '../contracts/event-log/harness.js';
import { events, text, workplace } from './support/inputs.js';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

test('every line becomes a record, in its order, file after file', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a.ndjson'), text(events(0, 30_000)));
  writeFileSync(path('b.ndjson'), text(events(30_000, 30_010)));
  const result = await run([path('a.ndjson'), path('b.ndjson')]);
  expect(result).toMatchObject({ records: 30_010, skippedAsAlreadyIngested: 0, finished: true });
  expect(await lines()).toEqual(events(0, 30_010));
});

test('the key field decides the partition; a line without it goes anywhere', async () => {
  const { path, run, log } = await workplace(4);
  const odd = ['[1]', 'no json', '{"event_type":7}'];
  writeFileSync(path('a.ndjson'), text([...events(0, 100), ...odd]));
  await run([path('a.ndjson')]);
  const records = await readAll(log, 'events', { keysAndHeaders: true });
  expect(records).toHaveLength(103);
  for (const { partition, key, value } of records) {
    if (odd.includes(value!)) expect(key).toBeNull();
    else {
      expect(key).toBe((JSON.parse(value!) as { event_type: string }).event_type);
      expect(partition).toBe(partitionOf(key!, 4));
    }
  }
});

test('line ends are no part of records; empty lines and a byte order mark are none; a last line needs no end', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a.ndjson'), '\ufeff{"n":1}\r\n\r\n\n{"n":2}\n \n\r\n{"n":3}\r\r\n{"n":\r4}');
  expect(await run([path('a.ndjson')])).toMatchObject({ records: 5 });
  expect(await lines()).toEqual(['{"n":1}', '{"n":2}', ' ', '{"n":3}\r', '{"n":\r4}']);
});

test('bytes stay as they are: zero bytes, broken UTF-8, broken JSON', async () => {
  const { path, run, log } = await workplace();
  const sent = [
    Buffer.from([0]),
    Buffer.from([0xff, 0xfe, 0, 0xc3]),
    Buffer.from('{"a":'),
    Buffer.from('{"a":1}{"b":2}'),
  ];
  writeFileSync(path('a'), Buffer.concat(sent.flatMap((line) => [line, Buffer.from('\n')])));
  await run([path('a')]);
  const received: Buffer[] = [];
  for await (const { values, bounds, count } of log.read('events', { partition: 0, from: 0, to: 4 })) {
    for (let i = 0; i < count; i++) received.push(Buffer.from(values.subarray(bounds[i], bounds[i + 1])));
  }
  expect(received).toEqual(sent);
});

test('a line of 10 MB is a record like any other', async () => {
  const { path, run, lines } = await workplace();
  const long = `{"event_type":"click","page":"${'x'.repeat(10_000_000)}"}`;
  writeFileSync(path('a.ndjson'), text([...events(0, 5), long, ...events(5, 10)]));
  expect(await run([path('a.ndjson')])).toMatchObject({ records: 11 });
  expect((await lines())[5] === long).toBe(true);
});

test('a line that no record can hold is refused by its number; what is before it is in, and the mended file goes on', async () => {
  const { path, run, lines } = await workplace();
  const tooLong = 'x'.repeat(RECORD_BYTES_MAX + 1);
  const file = path('a.ndjson');
  writeFileSync(file, text([...events(0, 20_000), tooLong, ...events(20_000, 20_010)]));
  const refusal = {
    kind: 'limit',
    message: expect.stringContaining('Line 20001'),
    where: { file, line: 20_001 },
  };
  await expect(run([file])).rejects.toMatchObject(refusal);
  await expect(run([file])).rejects.toMatchObject(refusal);
  expect(await lines()).toEqual(events(0, 20_000));
  writeFileSync(file, text(events(0, 20_010)));
  expect(await run([file])).toMatchObject({ records: 10, skippedAsAlreadyIngested: 20_000 });
  expect(await lines()).toEqual(events(0, 20_010));
});

test('the longest line that a record can hold is taken, whatever ends it', async () => {
  const { path, run } = await workplace();
  for (const end of ['', '\n', '\r\n']) {
    writeFileSync(path('a'), `${end.length}${'x'.repeat(RECORD_BYTES_MAX - 1)}${end}`);
    expect(await run([path('a')])).toMatchObject({ records: 1 });
  }
});

test('gzip, also of several members and with any name', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(
    path('a.ndjson.gz'),
    Buffer.concat([gzipSync(text(events(0, 20_000))), gzipSync(text(events(20_000, 20_005)))]),
  );
  writeFileSync(path('b'), gzipSync(text(events(20_005, 20_010))));
  expect(await run([path('a.ndjson.gz'), path('b')])).toMatchObject({ records: 20_010 });
  expect(await lines()).toEqual(events(0, 20_010));
});

test('zstd, also of several frames', async () => {
  const { run, lines } = await workplace();
  expect(await run([fixture('two-frames.ndjson.zst')])).toMatchObject({ records: 8 });
  expect((await lines()).map((line) => (JSON.parse(line) as { n: number }).n)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8,
  ]);
  expect(await run([fixture('large.ndjson.zst')])).toMatchObject({ records: 60_000 });
});

test('nothing to ingest: an empty file, only empty lines', async () => {
  const { path, run, lines } = await workplace();
  for (const [name, content] of [
    ['a', ''],
    ['b.gz', ''],
    ['c.zst', ''],
    ['d', '\n\r\n\n'],
    ['e.gz', gzipSync('')],
  ] as const) {
    writeFileSync(path(name), content);
    expect(await run([path(name)])).toMatchObject({ records: 0, finished: true });
  }
  expect(await lines()).toEqual([]);
});

test('a packed file that was cut short is an error; what came before is in, and the whole file goes on', async () => {
  const { path, run, lines } = await workplace();
  const file = path('a.ndjson.gz');
  // Lines that do not pack well, so that the cut is in the midst of them.
  const sent = Array.from({ length: 30_000 }, (_, i) => `{"n":${i},"r":"${Math.sin(i)}"}`);
  const packed = gzipSync(text(sent));
  writeFileSync(file, packed.subarray(0, packed.length * 0.7));
  await expect(run([file])).rejects.toMatchObject({ kind: 'corrupt', where: { file } });
  const before = (await lines()).length;
  expect(before).toBeGreaterThan(10_000);
  writeFileSync(file, packed);
  expect(await run([file])).toMatchObject({ records: 30_000 - before, skippedAsAlreadyIngested: before });
  expect(await lines()).toEqual(sent);
});

test.each(['a.ndjson.gz', 'a.ndjson.zst'])('%s that is not what its name says is an error', async (name) => {
  const { path, run, lines } = await workplace();
  writeFileSync(path(name), text(events(0, 10)));
  await expect(run([path(name)])).rejects.toMatchObject({ kind: 'corrupt', where: { file: path(name) } });
  expect(await lines()).toEqual([]);
});

test('a zstd file that was cut short is an error', async () => {
  const { path, run } = await workplace();
  for (const name of ['large.ndjson.zst', 'two-frames.ndjson.zst']) {
    const packed = readFileSync(fixture(name));
    writeFileSync(path(name), packed.subarray(0, packed.length - 10));
    await expect(run([path(name)])).rejects.toMatchObject({ kind: 'corrupt', where: { file: path(name) } });
  }
});

test('a missing file or a folder is an error before anything is ingested', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), text(events(0, 10)));
  mkdirSync(path('folder'));
  await expect(run([path('a'), path('b')])).rejects.toMatchObject({
    kind: 'not-found',
    where: { file: path('b') },
  });
  await expect(run([path('a'), path('folder')])).rejects.toMatchObject({
    kind: 'invalid',
    where: { file: path('folder') },
  });
  expect(await lines()).toEqual([]);
});

test('progress counts bytes as they lie on the disk, up to all of them', async () => {
  const { path, run } = await workplace();
  const packed = gzipSync(text(events(0, 50_000)));
  writeFileSync(path('a.gz'), packed);
  writeFileSync(path('b'), text(events(0, 100)));
  const seen: IngestProgress[] = [];
  const result = await run([path('a.gz'), path('b')], { onProgress: (progress) => seen.push(progress) });
  const bytesTotal = packed.length + text(events(0, 100)).length;
  expect(result).toMatchObject({ bytesRead: bytesTotal, bytesTotal });
  expect(seen.length).toBeGreaterThan(3);
  expect(seen.every((progress) => progress.bytesTotal === bytesTotal)).toBe(true);
  const counts = seen.map(({ records }) => records);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
});

test('standard input is appended each time, unpacked where it is packed', async () => {
  const { run, lines } = await workplace();
  const content = text(events(0, 10));
  for (const bytes of [Buffer.from(content), gzipSync(content)]) {
    const result = await run(['-'], { stdin: Readable.from([bytes]) });
    expect(result).toMatchObject({ records: 10, bytesTotal: undefined, finished: true });
  }
  expect(await lines()).toEqual([...events(0, 10), ...events(0, 10)]);
});
