/** Numbers from 0 to 1. The seed is printed, and taken from SEED, so that a failure can be repeated as far as timing allows. */
export function seededRandom(seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)): () => number {
  console.log(`SEED=${seed}`);
  let state = seed;
  // Mulberry32.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
