import { expect, test } from 'vitest';
import { keyFieldReader } from '../../packages/eventlake/src/ingest/key-field.js';

const read = keyFieldReader('event_type');
const keyOf = (json: string) => {
  // Surrounded by other lines, as in a file.
  const bytes = Buffer.from(`"event_type":"before"\n${json}\n,"event_type":"after"}`);
  const from = bytes.indexOf(10) + 1;
  return read(bytes, from, from + Buffer.byteLength(json));
};

test.each([
  ['{"event_type":"click"}', 'click'],
  ['{"a":1,"event_type":"click","b":2}', 'click'],
  [' \t{ "a" : [1, {"event_type": "inner"}, "]}"] , "event_type" : "click" }', 'click'],
  ['{"o":{"event_type":"inner","x":{}},"event_type":"outer"}', 'outer'],
  ['{"a":"\\"event_type\\":\\"no\\"","event_type":"yes"}', 'yes'],
  ['{"a":"ends with \\\\","event_type":"yes"}', 'yes'],
  ['{"event_type":""}', ''],
  ['{"event_type":"größe 日本"}', 'größe 日本'],
  ['{"event_type":"a\\u0062\\n\\"c"}', 'ab\n"c'],
  ['{"event_type":"first","event_type":"second"}', 'first'],
  ['{"n":-1.5e3,"t":true,"f":null,"event_type":"x"}', 'x'],
])('%s has the key %j', (json, key) => {
  expect(keyOf(json)).toBe(key);
});

test.each([
  '{}',
  '{"a":1}',
  '{"event_type":1}',
  '{"event_type":null}',
  '{"event_type":["click"]}',
  '{"Event_type":"click"}',
  '{"event_type2":"click","x_event_type":"y"}',
  '["event_type","click"]',
  '"event_type"',
  '',
  '   ',
  '{',
  '{"event_type"',
  '{"event_type":',
  '{"event_type":"click',
  '{"event_type":"bad \\x escape"}',
  '{"a":"unterminated, "event_type":"click"}',
  '{"a":{"event_type":"inner"}',
  '{"a":1 "event_type":"click"}',
])('%s has none', (json) => {
  expect(keyOf(json)).toBeNull();
});
