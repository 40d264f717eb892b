/**
 * Owns: how the facts of a thread come to the main thread. What every start and every end says is put
 * into one flat list, whose text is cheaper to pass than as many objects; the others go as they are.
 * Does not own: which facts leave the thread (thread-main.ts), what becomes of them (node.ts).
 *
 * An entry of the list: its number below, the time, the path, then the fields of the fact; or OTHER,
 * which stands for the next of the other facts. SAME stands for the path, or the reason, that was last.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Fact, KernelEvent } from "../kernel/events.ts";

const OTHER = 0;
const STARTED = 1;
const EXITED = 2;
const CHILD_STARTED = 3;
const CHILD_TERMINATED = 4;

const SAME = 0;

/** Facts under way. `list` is JSON, unless a reason is no JSON. */
export interface Facts {
  readonly thread: number;
  readonly list: string | readonly unknown[];
  readonly others: readonly KernelEvent[];
}

/** Facts that wait to be sent. */
export class FactsToSend {
  readonly #thread: number;
  #list: unknown[] = [];
  #others: KernelEvent[] = [];
  #path = "";
  #reason: ExitReason | null = null;

  constructor(thread: number) {
    this.#thread = thread;
  }

  /** @returns is it the first one that waits? */
  add(fact: Fact, atMs: number): boolean {
    const list = this.#list;
    const first = list.length === 0;
    switch (fact.type) {
      case "started":
        list.push(STARTED, atMs, this.#once(fact.path), fact.life, fact.incarnation);
        list.push(fact.behaviour);
        break;
      case "exited":
        list.push(EXITED, atMs, this.#once(fact.path), fact.life, fact.incarnation);
        list.push(this.#onceReason(fact.reason));
        break;
      case "child_started":
        list.push(CHILD_STARTED, atMs, this.#once(fact.path), fact.life, fact.cause);
        break;
      case "child_terminated":
        list.push(CHILD_TERMINATED, atMs, this.#once(fact.path), fact.life);
        list.push(this.#onceReason(fact.reason));
        break;
      default:
        list.push(OTHER);
        this.#others.push({ atMs, thread: this.#thread, ...fact });
    }
    return first;
  }

  /** All that wait, or null. */
  take(): Facts | null {
    const list = this.#list;
    if (list.length === 0) return null;
    const others = this.#others;
    this.#list = [];
    this.#others = [];
    this.#path = "";
    this.#reason = null;
    return { thread: this.#thread, list: textOf(list), others };
  }

  #once(path: string): string | typeof SAME {
    if (path === this.#path) return SAME;
    this.#path = path;
    return path;
  }

  #onceReason(reason: ExitReason): ExitReason | typeof SAME {
    if (reason === this.#reason) return SAME;
    this.#reason = reason;
    return reason;
  }
}

/** A detail that is no JSON may still be data: then it is left to the platform's own copy. */
function textOf(list: unknown[]): string | unknown[] {
  try {
    return JSON.stringify(list);
  } catch {
    return list;
  }
}

/** The facts again, in order. */
export function factsOf({ thread, list, others }: Facts): KernelEvent[] {
  const from = (typeof list === "string" ? JSON.parse(list) : list) as unknown[];
  const facts: KernelEvent[] = [];
  let path = "";
  let reason: unknown = null;
  let other = 0;
  for (let at = 0; at < from.length; ) {
    const kind = from[at++] as number;
    if (kind === OTHER) {
      facts.push(others[other++] as KernelEvent);
      continue;
    }
    const atMs = from[at++] as number;
    if (from[at] !== SAME) path = from[at] as string;
    const life = from[at + 1] as number;
    at += 2;
    const base = { atMs, thread, path, life };
    if (kind === CHILD_STARTED) {
      facts.push({ ...base, type: "child_started", cause: from[at++] as "init" });
      continue;
    }
    const incarnation = kind === CHILD_TERMINATED ? 0 : (from[at++] as number);
    const last = from[at++];
    if (kind === STARTED) {
      facts.push({ ...base, type: "started", incarnation, behaviour: last as string });
      continue;
    }
    if (last !== SAME) reason = last;
    if (kind === EXITED) {
      facts.push({ ...base, type: "exited", incarnation, reason: reason as ExitReason });
    } else {
      facts.push({ ...base, type: "child_terminated", reason: reason as ExitReason });
    }
  }
  return facts;
}
