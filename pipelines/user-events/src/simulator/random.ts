/** A stream of random 32-bit numbers: the same seed gives the same stream on every machine. */
export interface Random {
  /** A whole number of 0 to 2^32 - 1. */
  u32(): number;
  /** A whole number of 0 to `bound` - 1; `bound` is at most 2^32. */
  below(bound: number): number;
  /** True with this probability. */
  chance(share: number): boolean;
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its state filled by
 * splitmix32. `seed` is a whole number of up to 53 bits.
 */
export function createRandom(seed: number): Random {
  let low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const splitmix = (): number => {
    low = (low + 0x9e3779b9) | 0;
    let z = low ^ high;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix();

  const u32 = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return {
    u32,
    // Multiplying keeps the high bits; the bias is below bound / 2^32, too little for anybody to see.
    below: (bound) => Math.floor((u32() / 2 ** 32) * bound),
    chance: (share) => u32() < share * 2 ** 32,
  };
}
