// A counter, a queue and a registry as they would be without anything happening at the same time.

import type { Model } from "./checker.ts";

export type CounterOp = "add" | "read";
export const counter: Model<number, CounterOp, number> = {
  start: 0,
  step: (count, op) => {
    const state = op === "add" ? count + 1 : count;
    return { state, answer: state };
  },
};

/** `put` answers with nothing, `take` with the oldest or null. */
export type QueueOp = { readonly put: number } | "take";
export const queue: Model<readonly number[], QueueOp, number | null> = {
  start: [],
  step: (items, op) => {
    if (op !== "take") return { state: [...items, op.put], answer: null };
    return { state: items.slice(1), answer: items[0] ?? null };
  },
};

/** `register` says whether the name was free, `find` whether it is taken, `unregister` nothing. */
export type NameOp = "register" | "unregister" | "find";
export const name: Model<boolean, NameOp, boolean | null> = {
  start: false,
  step: (taken, op) => {
    if (op === "unregister") return { state: false, answer: null };
    return op === "find" ? { state: taken, answer: taken } : { state: true, answer: !taken };
  },
};
