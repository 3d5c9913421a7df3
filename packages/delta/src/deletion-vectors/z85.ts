import { DeltaError } from '../errors.js';

/** Base85 in the alphabet of ZeroMQ's RFC 32, as inline deletion vectors and their files' names are written in. */
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const digits = new Map([...alphabet].map((char, i) => [char, i]));

/** @throws DeltaError of kind `corrupt` where the text is no Z85 */
export function decodeZ85(text: string): Uint8Array {
  if (text.length % 5 !== 0) throw corrupt(`its length of ${text.length} is no multiple of 5`);
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i += 5) {
    let value = 0;
    for (let k = 0; k < 5; k++) {
      const digit = digits.get(text[i + k] as string);
      if (digit === undefined) throw corrupt(`it has the character ${JSON.stringify(text[i + k])}`);
      value = value * 85 + digit;
    }
    if (value > 0xffff_ffff) throw corrupt('five of its characters stand for more than four bytes');
    view.setUint32((i / 5) * 4, value);
  }
  return bytes;
}

/** Zero bytes are added up to a multiple of four. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  let text = '';
  for (let at = 0; at < padded.length; at += 4) {
    let value = view.getUint32(at);
    let group = '';
    for (let k = 0; k < 5; k++) {
      group = alphabet[value % 85] + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}

function corrupt(reason: string): DeltaError {
  return new DeltaError('corrupt', `a deletion vector's Base85 text is damaged: ${reason}`);
}
