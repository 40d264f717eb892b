/** Owns: round trips between two threads without actors, each timed. */
import { inMicroseconds } from "../lib/quantile.ts";
import { roundTrips } from "./two-threads.ts";

let samples = new Float64Array(0);
const trips = roundTrips((index, ms) => {
  samples[index] = ms;
});

export async function run(_: unknown, n: number) {
  samples = new Float64Array(n);
  // Two messages a round trip.
  const { seconds } = await trips(2 * n);
  return { n, seconds, ...inMicroseconds(samples) };
}
