/**
 * Owns: the random numbers of the programs: a xorshift of 31 bits, cheap and the same for all peers.
 * Does not own: anything that needs good randomness.
 */
export function nextRandom(seed: number): number {
  let x = seed ^ (seed << 13);
  x ^= x >>> 17;
  x ^= x << 5;
  return x & 0x7fffffff;
}
