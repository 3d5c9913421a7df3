import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';
import { event, events, text, workplace } from './support/inputs.js';

/** Longer than a segment, so that it is cut. */
const MANY = 40_000;

test.each([0, 1, 10, MANY])('a file of %i lines that is ingested again adds nothing', async (count) => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), text(events(0, count)));
  expect(await run([path('a')])).toMatchObject({ records: count, skippedAsAlreadyIngested: 0 });
  expect(await run([path('a'), path('a')])).toMatchObject({
    records: 0,
    skippedAsAlreadyIngested: 2 * count,
  });
  expect(await lines()).toEqual(events(0, count));
});

test('the same file elsewhere, under another name, packed, is the same file', async () => {
  const { path, run } = await workplace();
  writeFileSync(path('a'), text(events(0, MANY)));
  await run([path('a')]);
  copyFileSync(path('a'), path('b'));
  writeFileSync(path('c.gz'), gzipSync(text(events(0, MANY))));
  expect(await run([path('b'), path('c.gz')])).toMatchObject({
    records: 0,
    skippedAsAlreadyIngested: 2 * MANY,
  });
});

test('a file that has grown goes on where it ended', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), '');
  let count = 0;
  for (const more of [1, 1, 3, 100, 5_000, 0, 20_000, 17, 40_000, 1]) {
    appendFileSync(path('a'), text(events(count, count + more)));
    expect(await run([path('a')])).toMatchObject({ records: more, skippedAsAlreadyIngested: count });
    count += more;
  }
  expect(await lines()).toEqual(events(0, count));
});

test('a file that has grown goes on although its last line had no end', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), event(0));
  expect(await run([path('a')])).toMatchObject({ records: 1 });
  appendFileSync(path('a'), `\n${event(1)}\n${event(2)}`);
  expect(await run([path('a')])).toMatchObject({ records: 2, skippedAsAlreadyIngested: 1 });
  appendFileSync(path('a'), `\r\n${event(3)}\r\n`);
  expect(await run([path('a')])).toMatchObject({ records: 1, skippedAsAlreadyIngested: 3 });
  appendFileSync(path('a'), text(events(4, MANY)).trimEnd());
  expect(await run([path('a')])).toMatchObject({ records: MANY - 4, skippedAsAlreadyIngested: 4 });
  expect(await lines()).toEqual(events(0, MANY));
});

test('a file that has grown goes on although its first lines were all that could be appended', async () => {
  const { path, run, lines, log } = await workplace();
  writeFileSync(path('a'), text(events(0, 10)));
  // On Kafka each source's append is a transaction of its own, and any of them may be the last.
  const breaksOff = new Proxy(log, {
    get: (target, name: keyof EventLog) => {
      if (name !== 'append') return (target[name] as () => unknown).bind(target);
      return (...[topic, batch, options]: Parameters<EventLog['append']>) =>
        options?.source?.id.startsWith('ingest-begin:')
          ? Promise.reject(new Error('killed'))
          : target.append(topic, batch, options);
    },
  });
  await expect(run([path('a')], { log: breaksOff })).rejects.toThrow('killed');
  appendFileSync(path('a'), text(events(10, 20)));
  await run([path('a')]);
  expect(await lines()).toEqual(events(0, 20));
});

test('a line that was half written is ingested whole when it is; its half stays', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), text(events(0, 10)) + event(10).slice(0, 12));
  expect(await run([path('a')])).toMatchObject({ records: 11 });
  appendFileSync(path('a'), `${event(10).slice(12)}\n${text(events(11, 20))}`);
  expect(await run([path('a')])).toMatchObject({ records: 10, skippedAsAlreadyIngested: 10 });
  expect(await lines()).toEqual([...events(0, 10), event(10).slice(0, 12), ...events(10, 20)]);
});

test('different files that begin alike are different files', async () => {
  const { path, run, lines } = await workplace();
  const contents = [
    [event(0), event(1)],
    [event(0), event(2)],
    [event(0), event(1), event(3)],
    [event(0), ...events(100, MANY)],
    [event(0), ...events(100, MANY - 1), event(7)],
  ];
  for (const [i, content] of contents.entries()) writeFileSync(path(`${i}`), text(content));
  for (const [i] of contents.entries()) await run([path(`${i}`)]);
  const all = new Set(await lines());
  for (const line of contents.flat()) expect(all.has(line)).toBe(true);
  for (const [i, content] of contents.entries()) {
    expect(await run([path(`${i}`)])).toMatchObject({ records: 0, skippedAsAlreadyIngested: content.length });
  }
});

test('a file that was changed in the midst is another one from there on', async () => {
  const { path, run } = await workplace();
  writeFileSync(path('a'), text(events(0, MANY)));
  await run([path('a')]);
  const changed = events(0, MANY);
  changed[MANY - 100] = event(999_999);
  writeFileSync(path('a'), text(changed));
  const { records, skippedAsAlreadyIngested } = await run([path('a')]);
  expect(records + skippedAsAlreadyIngested).toBe(MANY);
  expect(records).toBeGreaterThanOrEqual(100);
  expect(skippedAsAlreadyIngested).toBeGreaterThan(MANY / 2);
});

test('two that ingest the same file at once ingest it once', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), text(events(0, MANY)));
  const results = await Promise.all([run([path('a')]), run([path('a')]), run([path('a')])]);
  expect(results.reduce((sum, { records }) => sum + records, 0)).toBe(MANY);
  expect((await lines()).sort()).toEqual(events(0, MANY).sort());
});

test('what was stopped goes on', async () => {
  const { path, run, lines } = await workplace();
  writeFileSync(path('a'), text(events(0, MANY)));
  let total = 0;
  for (let finished = false; !finished; ) {
    const controller = new AbortController();
    const result = await run([path('a')], {
      signal: controller.signal,
      onProgress: ({ records }) => {
        if (records > 0) controller.abort();
      },
    });
    expect(result.skippedAsAlreadyIngested).toBe(total);
    total += result.records;
    finished = result.records === 0;
  }
  expect(await lines()).toEqual(events(0, MANY));
});

test('standard input that waits is stopped, too', async () => {
  const { run } = await workplace();
  const controller = new AbortController();
  const stdin = new Readable({ read: () => setImmediate(() => controller.abort()) });
  expect(await run(['-'], { stdin, signal: controller.signal })).toMatchObject({
    records: 0,
    finished: false,
  });
});

test('standard input with a source id goes on after what was ingested under it', async () => {
  const { run, lines } = await workplace();
  const go = (count: number) =>
    run(['-'], { sourceId: 'shop', stdin: Readable.from([Buffer.from(text(events(0, count)))]) });
  expect(await go(10)).toMatchObject({ records: 10, skippedAsAlreadyIngested: 0 });
  expect(await go(10)).toMatchObject({ records: 0, skippedAsAlreadyIngested: 10 });
  expect(await go(MANY)).toMatchObject({ records: MANY - 10, skippedAsAlreadyIngested: 10 });
  // Shorter than what is there: another input under this name, of which nothing must be taken for ingested.
  await expect(go(5)).rejects.toMatchObject({ kind: 'invalid', where: { file: 'shop' } });
  expect(await lines()).toEqual(events(0, MANY));
});

test('a source id belongs to one input, and another one is noticed', async () => {
  const { path, run } = await workplace();
  for (const name of ['a', 'b']) writeFileSync(path(name), text(events(0, 10)));
  await expect(run([path('a'), path('b')], { sourceId: 'x' })).rejects.toMatchObject({ kind: 'invalid' });
  await run([path('a')], { sourceId: 'x' });
  writeFileSync(
    path('c'),
    text(['{"some":"other file, much longer than the ten lines of the first"}'.repeat(20)]),
  );
  await expect(run([path('c')], { sourceId: 'x' })).rejects.toMatchObject({
    kind: 'invalid',
    where: { file: 'x' },
  });
});
