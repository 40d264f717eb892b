/** Owns: one way between two threads without actors. */
import { oneWay } from "./two-threads.ts";

const way = oneWay((left) => ({ left }));
export const run = (_: unknown, n: number) => way(n);
