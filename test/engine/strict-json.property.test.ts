import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRecord } from '../../packages/eventlake/src/engine/strict-json.js';
import { recordBytes, recordNames } from './records.arbitrary.js';
import { referenceParse } from './reference-parse.js';

describe('a record is parsed strictly', () => {
  test('whatever the bytes, as JSON.parse says', () => {
    fc.assert(
      fc.property(recordBytes, (bytes) => {
        expect(parseRecord(bytes, recordNames)).toEqual(referenceParse(bytes, recordNames));
      }),
      { numRuns: 20_000 },
    );
  });

  test('fields are as they came', () => {
    const text = '{ "b" : 1.50, "a": "x\\ny" , "c":[1, 2.0],"x":{"y":1e5},"\\u0079" :null}';
    expect(parseRecord(Buffer.from(text), ['a', 'b', 'c', 'd'])).toEqual({
      fields: ['x\ny', '1.50', '[1, 2.0]', null],
      rescued: '{"x":{"y":1e5},"\\u0079":null}',
    });
  });

  test('keys that differ in case are other fields', () => {
    expect(parseRecord(Buffer.from('{"A":1,"a":2}'), ['a'])).toEqual({ fields: ['2'], rescued: '{"A":1}' });
  });

  test.each([
    ['\ufeff{}', 'invalid JSON'],
    ['{} {}', 'invalid JSON'],
    ['{"a":"\\ud800"}', 'invalid JSON'],
    ['{"a":1,}', 'invalid JSON'],
    ['{"a":NaN}', 'invalid JSON'],
    ['[{}]', 'not an object'],
    ['null', 'not an object'],
    ['{"a":1,"\\u0061":2}', 'duplicate field'],
    ['{"x":1,"x":1}', 'duplicate field'],
    [' ', 'invalid JSON'],
    ['', 'empty'],
  ])('%j: %s', (text, parseError) => {
    expect(parseRecord(Buffer.from(text), ['a'])).toEqual({ parseError });
  });

  test('duplicate keys deeper down are nobody’s business', () => {
    expect(parseRecord(Buffer.from('{"a":{"b":1,"b":2}}'), ['a'])).toEqual({
      fields: ['{"b":1,"b":2}'],
      rescued: null,
    });
  });

  test('ten megabytes of brackets are no trouble', () => {
    const depth = 5_000_000;
    const text = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(parseRecord(Buffer.from(text), ['a'])).toMatchObject({ rescued: null });
    expect(parseRecord(Buffer.from(text.slice(0, -2)), ['a'])).toEqual({ parseError: 'invalid JSON' });
  });

  test('bytes that are no UTF-8, and no bytes at all', () => {
    expect(parseRecord(Buffer.from([0x7b, 0xff, 0x7d]), ['a'])).toEqual({ parseError: 'invalid UTF-8' });
    expect(parseRecord(null, ['a'])).toEqual({ parseError: 'tombstone' });
  });
});
