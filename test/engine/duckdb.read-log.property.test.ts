import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ParsedRecord, parseRecord } from '../../packages/eventlake/src/engine/strict-json.js';
import { defineEvent, integer, text, timestamp, uuid } from '../../packages/eventlake/src/index.js';
import { type EngineOnDisk, openEngine } from './duckdb.js';
import { recordBytes, recordNames } from './records.arbitrary.js';

const event = defineEvent({
  name: 'things',
  topic: 'things',
  id: 'id',
  time: 'page',
  key: 'kind',
  fields: { id: uuid(), n: integer().optional(), kind: text(), page: timestamp() },
});

let disk: EngineOnDisk;
beforeAll(async () => {
  disk = await openEngine();
});
afterAll(() => disk.close());

test('whatever the records, every one of them is a row, and the strict parser agrees', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(recordBytes, { freq: 30 }), { minLength: 1, maxLength: 60 }),
      fc.nat(2),
      fc.nat(3),
      async (values, gap, partition) => {
        const range = disk.log.add(partition, values, gap);
        const session = await disk.engine.open();
        try {
          const { records } = await session.readLog('landed', event, [range]);
          expect(records).toBe(values.length);
          const rows = await session.query<Record<string, unknown>>(
            'SELECT * FROM landed ORDER BY log_offset',
          );
          expect(rows).toEqual(values.map((value, i) => row(partition, range.from + i * (gap + 1), value)));
        } finally {
          await session.close();
        }
      },
    ),
    { numRuns: 300 },
  );
}, 300_000);

function row(partition: number, offset: number, value: Uint8Array | null): Record<string, unknown> {
  const parsed: ParsedRecord = parseRecord(value, recordNames);
  const failed = 'parseError' in parsed;
  return {
    log_partition: partition,
    log_offset: offset,
    log_timestamp: new Date(1_750_000_000_000 + offset).toISOString().replace('Z', '000Z'),
    raw: failed && value !== null ? new Uint8Array(value) : null,
    parse_error: failed ? parsed.parseError : null,
    ...Object.fromEntries(recordNames.map((name, i) => [name, failed ? null : parsed.fields[i]])),
    rescued: failed ? null : parsed.rescued,
  };
}
