import type { Random } from './random.js';

/** What becomes of a specimen: `valid`, rejected by silver's rules, or `unreadable` as one JSON object. */
export type Fate = 'valid' | 'rejected' | 'unreadable';

export interface Specimen {
  name: string;
  fate: Fate;
  /** Makes one out of a good event's JSON. */
  make(json: string, random: Random): string | Uint8Array;
}

/** Everything that has ever come out of somebody's client, and some things that should never. */
export const zoo: readonly Specimen[] = [
  // Not one JSON object.
  unreadable('truncated', (json, random) => json.slice(0, 1 + random.below(json.length - 1))),
  unreadable('broken', (json) => json.replace('"user_id":', 'user_id=')),
  unreadable('single quotes', (json) => json.replaceAll('"', "'")),
  unreadable('trailing comma', (json) => json.replace('}', ',}')),
  unreadable('a scalar', (_json, random) => ['42', 'null', 'true', '"login"', '-1.5e3'][random.below(5)]!),
  unreadable('an array', (json) => `[${json}]`),
  unreadable('two objects', (json) => json + json),
  unreadable('trailing garbage', (json) => `${json} and more`),
  unreadable('a duplicate key', (json) => json.replace('}', ',"user_id":2147483647}')),
  unreadable('an escaped duplicate key', (json) => json.replace('}', ',"\\u0075ser_id":1}')),
  unreadable('a NUL byte', (json) => json.replace('":', '\0":')),
  unreadable('invalid UTF-8', (json) => invalidUtf8(json)),
  unreadable('a byte order mark', (json) => `\ufeff${json}`),
  unreadable('not a number', (json) => json.replace(/"user_id":\d+/, '"user_id":NaN')),
  unreadable('a line break inside a string', (json) => json.replace('"/', '"\n/')),
  unreadable('nothing', () => ''),
  unreadable('blanks', () => ' \t '),

  // One JSON object, and no valid event.
  rejected('no event_id', (json) => json.replace(/"event_id":"[^"]*",/, '')),
  rejected('a null event_id', (json) => json.replace(/"event_id":"[^"]*"/, '"event_id":null')),
  rejected('an event_id that is no UUID', (json) => json.replace(/"event_id":"/, '"event_id":"evt-')),
  rejected('a user_id in words', (json) => json.replace(/"user_id":\d+/, '"user_id":"nobody"')),
  rejected('a user_id with a fraction', (json) => json.replace(/("user_id":\d+)/, '$1.5')),
  rejected('a user_id out of range', (json) => json.replace(/"user_id":\d+/, '"user_id":99999999999')),
  rejected('a user_id that is an object', (json) => json.replace(/("user_id":)(\d+)/, '$1{"id":$2}')),
  rejected('an unknown event_type', (json) => json.replace(/"event_type":"\w+"/, '"event_type":"signup"')),
  rejected('an event_type that is a number', (json) => json.replace(/"event_type":"\w+"/, '"event_type":7')),
  rejected('an unknown source', (json) => json.replace(/"source":"\w+"/, '"source":"kiosk"')),
  rejected('a null source', (json) => json.replace(/"source":"\w+"/, '"source":null')),
  rejected('no timestamp', (json) => json.replace(/,"timestamp":"[^"]*"/, '')),
  rejected('a timestamp in seconds', (json) => json.replace(/"timestamp":"[^"]*"/, '"timestamp":1767225600')),
  rejected('a timestamp without offset', (json) => json.replace('+00:00"', '"')),
  rejected('a date that does not exist', (json) =>
    json.replace(/"timestamp":"(\d+)-\d\d-\d\d/, '"timestamp":"$1-02-30'),
  ),
  rejected('a leap second', (json) => json.replace(/T[^"]*"/, 'T23:59:60Z"')),
  rejected('a year far ahead', (json) =>
    json.replace(/"timestamp":"(\d+)/, (_all, year) => `"timestamp":"${+year + 2}`),
  ),
  rejected('before 1970', (json) => json.replace(/"timestamp":"\d+/, '"timestamp":"1969')),
  rejected('an empty object', () => '{}'),

  // Odd, and valid.
  valid('unknown fields', (json) =>
    json.replace('}', ',"campaign":"späť","nested":{"a":[1,null,{"b":"}"}]}}'),
  ),
  valid('a long unknown field', (json) => json.replace('}', `,"user_agent":"${'x'.repeat(2000)}"}`)),
  valid('nobody', (json) => json.replace(/"user_id":\d+/, '"user_id":null')),
  valid('no page', (json) => json.replace(/"page":"[^"]*",/, '')),
  valid('a user_id as text', (json) => json.replace(/"user_id":(\d+)/, '"user_id":"$1"')),
  valid('an escaped NUL', (json) => json.replace('"page":"/', '"page":"/\\u0000')),
  valid('an emoji', (json) => json.replace('"page":"/', '"page":"/🙂/\\ud83d\\ude42/')),
  valid('an upper-case UUID', (json) =>
    json.replace(/"event_id":"([^"]*)"/, (_all, id: string) => `"event_id":"${id.toUpperCase()}"`),
  ),
  valid('another offset', (json) => json.replace('+00:00"', 'Z"')),
  valid('another order', (json) => json.replace(/^\{(.*),("source":"\w+")\}$/, '{$2,$1}')),
  valid('pretty', (json) => JSON.stringify(JSON.parse(json), null, 2)),
  valid('a carriage return at the end', (json) => `${json}\r`),
];

function unreadable(name: string, make: Specimen['make']): Specimen {
  return { name, fate: 'unreadable', make };
}

function rejected(name: string, make: Specimen['make']): Specimen {
  return { name, fate: 'rejected', make };
}

function valid(name: string, make: Specimen['make']): Specimen {
  return { name, fate: 'valid', make };
}

/** A byte that no UTF-8 text has, in the middle of a string. */
function invalidUtf8(json: string): Uint8Array {
  const bytes = new TextEncoder().encode(json.replace('"/', '"?/'));
  bytes[bytes.indexOf(0x3f)] = 0xff;
  return bytes;
}
