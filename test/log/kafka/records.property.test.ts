import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  COMPRESSIONS,
  compress,
  decompress,
  loadCodec,
} from '../../../packages/eventlake/src/log/kafka/compression/codec.js';
import { batchesIn } from '../../../packages/eventlake/src/log/kafka/records/batches.js';
import { BlockBuilder } from '../../../packages/eventlake/src/log/kafka/records/block-builder.js';
import {
  BATCH_HEADER_BYTES,
  encodeBatch,
  rowsOf,
} from '../../../packages/eventlake/src/log/kafka/records/encode.js';
import { type NewRecord, recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { recordsOf } from '../../contracts/event-log/harness.js';

const NO_LIMIT = 1 << 28;

test('CRC-32C is that of RFC 3720, appendix B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

/** Bytes as events are: words that come again, runs, and now and then noise. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '{"event_type":"click"',
        '/products/',
        ',"user":',
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      ),
      fc.string({ maxLength: 20 }),
      fc.integer({ min: 1, max: 100_000 }).map((length) => 'run'.repeat(length).slice(0, length)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join('')));

test.each(['lz4', 'snappy', 'gzip'] as const)('%s gives back what it was given', (compression) => {
  fc.assert(
    fc.property(texts, (bytes) => {
      const packed = Buffer.concat(compress(compression, bytes));
      expect(decompress(compression, packed, NO_LIMIT).equals(bytes)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test.each(['lz4', 'snappy', 'gzip', 'zstd'] as const)(
  '%s: bytes that are none are an error, or some bytes, but never more than the limit',
  async (compression) => {
    await loadCodec(compression);
    const good =
      compression === 'zstd' ? ZSTD : Buffer.concat(compress(compression, Buffer.alloc(5_000, 'event')));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bad = Buffer.from(good);
        bad[at] = byte;
        try {
          expect(
            decompress(compression, cut ? bad.subarray(0, at) : bad, 100_000).length,
          ).toBeLessThanOrEqual(100_000);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 300 },
    );
  },
);

/** `eventeventevent…`, 5,000 bytes, by the reference implementation. */
const ZSTD = Buffer.from('KLUv/QBYbQAAKGV2ZW50AQCAg75oAQ==', 'base64');

const records: fc.Arbitrary<NewRecord[]> = fc.array(
  fc.record(
    {
      key: fc.option(fc.string({ maxLength: 300 })),
      value: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 300 }), fc.string()),
      headers: fc.dictionary(
        fc.string({ maxLength: 10 }).filter((name) => name !== '__proto__'),
        fc.string({ maxLength: 100 }),
        { noNullPrototype: true },
      ),
    },
    { requiredKeys: ['value'] },
  ),
  { minLength: 1, maxLength: 50 },
);

test('a record batch is read as it was written, in blocks of any size and from any offset', () => {
  fc.assert(
    fc.property(
      records,
      fc.constantFrom(...COMPRESSIONS.filter((name) => name !== 'zstd')),
      fc.integer({ min: 1, max: 2_000 }),
      fc.nat(60),
      (sent, compression, blockBytesMax, skip) => {
        const all = sent.map((_, i) => i);
        const producer = { producerId: 2n ** 40n, epoch: 3, sequence: 7, isTransactional: false };
        const bytes = encodeBatch([rowsOf(recordBatch(sent), all)], producer, {
          compression,
          nowMs: 1_700_000_000_123,
        });
        bytes.writeBigInt64BE(1_000_000_000_000n, 0);
        const [header, ...others] = batchesIn(Buffer.concat([bytes, bytes.subarray(0, bytes.length - 1)]));
        expect(others).toEqual([]);
        expect(header).toMatchObject({
          baseOffset: 1e12,
          lastOffset: 1e12 + sent.length - 1,
          producerId: 2n ** 40n,
        });
        expect(crc32c(bytes.subarray(21))).toBe(header!.crc);
        const body = decompress(header!.compression!, bytes.subarray(BATCH_HEADER_BYTES), NO_LIMIT);
        const builder = new BlockBuilder(0, blockBytesMax, true);
        builder.add(body, 0, header!, 1e12 + skip, Number.POSITIVE_INFINITY);
        const found = builder.takeRest().flatMap(recordsOf);
        expect(found).toEqual(
          sent
            .map(({ key = null, value, headers = {} }, i) => ({
              ...{ partition: 0, offset: 1e12 + i, timestampMs: 1_700_000_000_123, key },
              value: value === null ? null : Buffer.from(value as string).toString(),
              ...(Object.keys(headers).length > 0 && { headers }),
            }))
            .slice(skip),
        );
      },
    ),
    { numRuns: 300 },
  );
});
