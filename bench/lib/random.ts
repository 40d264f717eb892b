/**
 * Owns: the random numbers of the programs: cheap and the same everywhere (a 31-bit generator after
 * Lehmer's multiplicative scheme). Does not own: anything that needs good randomness.
 */
export function nextRandom(seed: number): number {
  return (seed * 48_271) % 2_147_483_647;
}
