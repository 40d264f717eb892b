// Operations of a store, written short.

import { encode } from "../../src/store/codec.ts";
import type { EncodedCommit, EncodedMail, EncodedTimer, StoreOp } from "../../src/store/store.ts";

/** A letter from "/sender"; its body is encoded. */
export function mail(to: string, body: unknown, more: Partial<EncodedMail> = {}): EncodedMail {
  return { to, from: "/sender", type: "note", ask: 7, body: encode(body), ...more };
}

export const load = (path: string, life: number): StoreOp => ({ kind: "load", path, life });
/** By who has loaded it before. */
export const reload = (path: string, life: number): StoreOp => ({
  ...{ kind: "load", path, life },
  again: true,
});
export const list = (path: string): StoreOp => ({ kind: "list", path });
export const forget = (path: string): StoreOp => ({ kind: "forget", path });
/** A timer called "t", due at 100, that says "tick". */
export function timer(more: Partial<EncodedTimer> = {}) {
  const set = { id: "t", dueMs: 100, type: "tick", body: encode("tick"), repeat: null, ...more };
  return { id: set.id, set };
}
export const fire = (path: string, life: number, dueMs = 100, nextMs: number | null = null) =>
  ({ kind: "fire", path, life, id: "t", dueMs, nextMs }) satisfies StoreOp;
/** Mail from outside, with an id. */
export const stamped = (to: string, body: unknown, id: string, atMs = 0) =>
  ({ kind: "enqueue", mail: mail(to, body), stamp: { id, atMs } }) satisfies StoreOp;
export const enqueue = (to: string, body: unknown): StoreOp => {
  return { kind: "enqueue", mail: mail(to, body) };
};

/** What a commit changes that changes nothing: before it is encoded, and after. */
export const NOTHING = {
  ...{ created: null, state: null, progress: null, acks: [], steps: [], retries: [], tries: [] },
  ...{ dead: [], timers: [], answers: [], mails: [] },
};

/** A commit that changes nothing but what `more` says. */
export function commit(path: string, life: number, more: Partial<EncodedCommit> = {}): StoreOp {
  const base = { path, life, behaviour: "b", version: 1 };
  return { kind: "commit", commit: { ...base, ...NOTHING, ...more } };
}
