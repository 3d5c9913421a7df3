import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildIdSet,
  decodeIdSet,
  encodeIdSet,
  holdsAny,
  sortHashes,
} from '../../packages/eventlake/src/jobs/id-index.js';

const hash = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });

describe('the set of ids that a range of silver may hold', () => {
  it('never misses a hash that was put in, whatever the others are', () => {
    fc.assert(
      fc.property(fc.array(hash, { minLength: 1, maxLength: 500 }), (hashes) => {
        const set = buildIdSet(BigInt64Array.from(hashes));
        for (const one of hashes) expect(holdsAny(set, BigInt64Array.of(one))).toBe(true);
      }),
    );
  });

  it('finds nothing in hashes that were not put in, but once in millions', () => {
    const set = buildIdSet(randomHashes(200_000, 1));
    const others = randomHashes(200_000, 2);
    const found = [...others].filter((one) => holdsAny(set, BigInt64Array.of(one)));
    expect(found.length).toBeLessThanOrEqual(1);
    expect(holdsAny(set, sortHashes(others))).toBe(found.length > 0);
  });

  it('is the same after it was stored', () => {
    const set = buildIdSet(randomHashes(10_000, 3));
    expect(decodeIdSet(encodeIdSet(set, 42n), 42n)).toEqual(set);
    const shifted = new Uint8Array(encodeIdSet(set, 42n).byteLength + 3);
    shifted.set(encodeIdSet(set, 42n), 3);
    expect(decodeIdSet(shifted.subarray(3), 42n)).toEqual(set);
  });

  it('takes 4.5 bytes an id at most', () => {
    expect(encodeIdSet(buildIdSet(randomHashes(1_000_000, 4)), 1n).byteLength).toBeLessThan(4_500_000);
  });

  it('is not trusted when it was hashed otherwise, cut short or damaged', () => {
    const bytes = encodeIdSet(buildIdSet(randomHashes(1000, 5)), 42n);
    expect(decodeIdSet(bytes, 43n)).toBeUndefined();
    expect(decodeIdSet(bytes.subarray(0, bytes.length - 4), 42n)).toBeUndefined();
    expect(decodeIdSet(bytes.subarray(0, 10), 42n)).toBeUndefined();
    const damaged = bytes.slice();
    damaged[2000]! ^= 1;
    expect(decodeIdSet(damaged, 42n)).toBeUndefined();
  });

  it('may be empty', () => {
    const set = buildIdSet(new BigInt64Array(0));
    expect(holdsAny(set, randomHashes(10, 6))).toBe(false);
    expect(decodeIdSet(encodeIdSet(set, 1n), 1n)).toEqual(set);
  });
});

/** splitmix64 */
function randomHashes(count: number, seed: number): BigInt64Array {
  const out = new BigInt64Array(count);
  let state = BigInt(seed) * 0x5851f42d4c957f2dn;
  const mask = 2n ** 64n - 1n;
  for (let i = 0; i < count; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    out[i] = (z ^ (z >> 31n)) >> 1n;
  }
  return out;
}
