/** When a process of the ledger dies: drawn from a seed. */
import { CRASH_POINTS, type CrashPoint } from "../../src/store/crash-point.ts";
import { AGENTS } from "./ledger.ts";

export type KillStore = "sqlite" | "redis";

/** How one life ends: at a point, or after a time from its start or from its first effect. */
export type Death =
  | { readonly at: CrashPoint; readonly count: number }
  | { readonly after: "start" | "effect"; readonly ms: number };

/** (The ledger's agents never end: leaving.test.ts is about those who do.) */
const POINTS = CRASH_POINTS.filter((each) => each !== "open:created" && !/^forget:/.test(each));

/** Those on a thread's side of its line to the store, whichever store that is. */
const REDIS_POINTS = POINTS.filter((each) =>
  ["batch:taken", "batch:heard", "batch:released", "tool:called", "tool:done"].includes(each),
);

/** A small generator of numbers in [0, 1), the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The death of the n-th life of a node that is alone. */
export function deathOf(kill: number, store: KillStore, random: () => number): Death {
  const points = store === "redis" ? REDIS_POINTS : POINTS;
  // A store is made once.
  if (kill === 0 && store === "sqlite") return { at: "open:created", count: 1 };
  if (kill % 3 === 0) {
    const at = points[(kill / 3) % points.length] as CrashPoint;
    const most = at.startsWith("open:") ? 1 : at.startsWith("load:") ? AGENTS : 40;
    return { at, count: 1 + Math.floor(random() * most) };
  }
  // In the middle of starting and reading the store, or some time into the work.
  // (On Redis a start begins by waiting for the lease of who was killed.)
  const starting = store === "redis" ? 3_000 : 900;
  if (kill % 3 === 1) return { after: "start", ms: random() * starting };
  return { after: "effect", ms: random() * 400 };
}

/** Where a node among others dies by itself: every point in turn. */
export function pointAmong(turn: number, random: () => number): string {
  return `${REDIS_POINTS[turn % REDIS_POINTS.length]}:${1 + Math.floor(random() * 40)}`;
}
