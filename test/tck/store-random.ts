// Random operations for comparing stores: few actors, so that they meet; right and wrong numbers.

import type { MemoryEngine } from "../../src/store/memory.ts";
import { type EncodedMail, type StoreOp, WINDOW_MS } from "../../src/store/store.ts";
import { commit, forget, list, load, reload } from "./store-ops.ts";

export type Random = () => number;

/** Mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PATHS = ["/a", "/a/b", "/a/c", "/a/b/d", "/e", "/e/b", "/e/%", "/A", "plain", "/a/b/"];
const REASONS = [{ tag: "normal" }, { tag: "killed", by: "operator" }] as const;

const below = (random: Random, limit: number) => Math.floor(random() * limit);
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;
const some = <T>(random: Random, max: number, make: () => T): T[] =>
  Array.from({ length: below(random, max + 1) }, make);

/** A few operations, most of them sensible; `life` is the newest one given out. */
export function randomBatch(random: Random, now: MemoryEngine, life: number): StoreOp[] {
  return Array.from({ length: 1 + below(random, 12) }, () => randomOp(random, now, life));
}

function randomOp(random: Random, now: MemoryEngine, life: number): StoreOp {
  const path = pick(random, PATHS);
  const some = random();
  if (some < 0.12) {
    if (random() < 0.3) return reload(path, Math.max(1, life - below(random, 3)));
    return load(path, Math.max(0, life - below(random, 3)));
  }
  if (some < 0.2) {
    const above = pick(random, ["", "/", "/a", "/a/b", "/e", "/none"]);
    if (random() < 0.5) return list(above);
    if (random() < 0.3) return { kind: "page", path: above, after: "", max: 100 };
    return { kind: "due", path: above, atMs: below(random, 9), after: "", max: 100 };
  }
  if (some < 0.23) return forget(path);
  if (some < 0.29) return randomFire(random, now, path, life);
  if (some < 0.39) {
    const stamp = { id: `id${below(random, 2)}`, atMs: (life * WINDOW_MS) / 50 };
    return { kind: "enqueue", mail: randomMail(random), ...(random() < 0.8 ? { stamp } : {}) };
  }
  if (some < 0.43) {
    return { kind: random() < 0.7 ? "revive" : "drop", id: 1 + below(random, 300) };
  }
  return randomCommit(
    random,
    now,
    path,
    random() < 0.9 ? life : Math.max(0, life - below(random, 3)),
  );
}

/** Mostly of a timer that is there and due. */
function randomFire(random: Random, now: MemoryEngine, path: string, life: number): StoreOp {
  const [answer] = now.execute([load(path, 0)]);
  const timers = answer?.kind === "loaded" ? (answer.stored?.timers ?? []) : [];
  const { id, dueMs } = timers.length === 0 ? { id: "t0", dueMs: 1 } : pick(random, timers);
  const nextMs = random() < 0.5 ? null : below(random, 9);
  const by = random() < 0.9 ? life : Math.max(0, life - 2);
  return { kind: "fire", path, life: by, id, dueMs: random() < 0.9 ? dueMs : -1, nextMs };
}

function randomTimer(random: Random) {
  const id = `t${below(random, 3)}`;
  const repeat = random() < 0.5 ? null : "{}";
  const set = { id, dueMs: below(random, 9), type: "x", body: bytes(random), repeat };
  return { id, set: random() < 0.8 ? set : null };
}

function randomCommit(random: Random, now: MemoryEngine, path: string, life: number): StoreOp {
  const waiting = now.waiting(path).map(({ seq }) => seq);
  // Numbers of this batch are not known yet; some are made up, some are another actor's.
  const seq = () =>
    waiting.length > 0 && random() < 0.9 ? pick(random, waiting) : below(random, 60);
  const created = random() < 0.15 ? { args: bytes(random) } : null;
  const dead = some(random, 1, () => ({ seq: seq(), reason: pick(random, REASONS) }));
  const acks = [...some(random, 4, seq), ...(random() < 0.8 ? dead.map((each) => each.seq) : [])];
  return commit(path, life, {
    ...{ created, acks, behaviour: pick(random, ["b", "c"]), version: below(random, 5) },
    state: created !== null || random() < 0.5 ? bytes(random) : null,
    steps: some(random, 2, () => {
      return { seq: seq(), index: below(random, 4), name: "s\u0000", answer: bytes(random) };
    }),
    progress: random() < 0.2 ? { seq: seq(), effects: below(random, 9) } : null,
    tries: some(random, 2, () => ({ seq: seq(), tries: below(random, 5) })),
    retries: some(random, 2, () => ({ seq: seq(), attempts: below(random, 5) })),
    dead: random() < 0.15 ? dead : [],
    answers: some(random, 1, () => ({ id: `id${below(random, 2)}`, answer: bytes(random) })),
    timers: some(random, 2, () => randomTimer(random)),
    mails: some(random, 3, () => randomMail(random)),
  });
}

function randomMail(random: Random): EncodedMail {
  const from = pick(random, ["", "~1", ...PATHS]);
  const type = pick(random, ["x", "y"]);
  return { to: pick(random, PATHS), from, type, ask: below(random, 3), body: bytes(random) };
}

/** Some bytes, now and then more than a page of them. */
function bytes(random: Random): Uint8Array {
  const length = random() < 0.03 ? below(random, 20_000) : below(random, 20);
  return new Uint8Array(length).fill(below(random, 256));
}
