/**
 * Owns: how many actors each program has: the same for all peers (bench/beam/bench.erl says them
 * once more). Does not own: how many operations are run (catalogue.ts).
 */
export const RING = 100;
export const BIG = 120;
export const FORK = 60;
export const SENDERS = 50;
export const CHAMENEOS = 100;
export const WORKERS = 20;
/** One request in so many is a write. */
export const WRITE_EVERY = 10;
/** Keys of the dictionary. */
export const KEYS = 512;

/** Actors that fib(k) takes, one a call. */
export function fibCalls(k: number): number {
  return k < 2 ? 1 : 1 + fibCalls(k - 1) + fibCalls(k - 2);
}

/** The k whose fib(k) takes at least n actors. */
export function fibOf(n: number): number {
  let k = 1;
  while (fibCalls(k) < n) k++;
  return k;
}

/** Durable counters. */
export const COUNTERS = 1_000;

/** Messages a handler sends at a time to another thread. */
export const BURST = 1_000;

/** One idle actor in so many has a timer. */
export const TIMER_EVERY = 10;
/** How long an idle node of n actors is watched: some seconds, unless it is a smoke test. @unit ms */
export const idleMs = (n: number) => (n < 10_000 ? 200 : 3_000);

/** Quiet actors beside a hog. */
export const QUIET = 200;
/** How long the hog may hold its thread. @unit ms */
export const SLICE_MS = 100;

/** Stored actors that the programs about sleeping ones begin with. */
const SLEEPERS = [10, 10_000];

/** A figure at growing sizes: `startMs10`, `startMs10000`, and of the largest, n, `startMs`. */
export async function figuresBySize(
  name: string,
  n: number,
  measure: (count: number) => Promise<number>,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const count of SLEEPERS.filter((size) => size < n)) {
    figures[`${name}${count}`] = await measure(count);
  }
  return { ...figures, [name]: await measure(n) };
}
