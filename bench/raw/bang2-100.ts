/** Owns: one way between two threads without actors, messages of about 100 bytes. */
import { payloadOf } from "../lib/payload.ts";
import { oneWay } from "./two-threads.ts";

const way = oneWay(payloadOf);
export const run = (_: unknown, n: number) => way(n);
