/** Owns: pingpong between two threads without actors. */
import { roundTrips } from "./two-threads.ts";

const trips = roundTrips();
// An odd number of messages would end on the far side.
export const run = (_: unknown, n: number) => trips(n + (n % 2));
