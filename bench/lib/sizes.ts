/**
 * Owns: how many actors each program has: the same for all peers (bench/beam/bench.erl says them
 * once more). Does not own: how many operations are run (catalogue.ts).
 */
export const RING = 100;
export const BIG = 120;
