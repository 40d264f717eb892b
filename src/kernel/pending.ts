/**
 * Owns: one thing a handler waits for, and the list of those of an actor.
 * Does not own: who answers (asks.ts), what is recorded (journal.ts).
 */
import { startedRef } from "./answers.ts";
import type { Cell } from "./cell.ts";
import type { Answer } from "./ports.ts";
import type { AdminResult } from "./supervision.ts";
import type { TimerEntry } from "./timers.ts";
import type { Verbs } from "./verbs.ts";

/** What was called: a verb and its words, put together when somebody reads them. */
export type Call =
  | { readonly verb: "ask"; readonly type: string }
  | { readonly verb: "start"; readonly behaviour: string }
  | { readonly verb: "effect"; readonly name: string };

const never = () => {};

/** Something a handler waits for. When its answer is there it is the signal that brings it. */
export class Pending {
  readonly kind = "answered";
  readonly cell: Cell;
  readonly verbs: Verbs;
  readonly #call: Call;
  /** Whom it asked, "" = nobody. */
  readonly target: string;
  /** Place in the journal of the message. */
  readonly index: number;
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Number under which the answer comes; 0 = not asked for. */
  id = 0;
  timer: TimerEntry | null = null;
  answer: Answer | null = null;
  previous: Pending | null = null;
  next: Pending | null = null;

  constructor(verbs: Verbs, cell: Cell, target: string, call: Call) {
    let resolve: (value: unknown) => void = never;
    let reject: (error: unknown) => void = never;
    this.cell = cell;
    this.verbs = verbs;
    this.#call = call;
    this.target = target;
    this.index = verbs.more.steps++;
    // (withResolvers() would do too; the compiler knows only this one.)
    this.promise = new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    });
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Did it ask a supervisor? */
  get supervisor(): boolean {
    return this.#call.verb === "start";
  }

  /** What the handler gets for a good answer. @throws ActorError the child was not started */
  meant(value: unknown): unknown {
    const call = this.#call;
    if (call.verb !== "start") return value;
    return startedRef(this.target, call.behaviour, value as AdminResult);
  }

  /** What is recorded of it, and must be the same in a rerun. */
  get name(): string {
    const call = this.#call;
    if (call.verb === "ask") return `ask ${this.target} ${call.type}`;
    return call.verb === "start" ? `start ${this.target}` : call.name;
  }
}

/** What an actor waits for. */
export class Pendings {
  #first: Pending | null = null;
  size = 0;

  add(pending: Pending): void {
    pending.next = this.#first;
    if (this.#first !== null) this.#first.previous = pending;
    this.#first = pending;
    this.size++;
  }

  delete(pending: Pending): void {
    const { previous, next } = pending;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    pending.previous = pending.next = null;
    this.size--;
  }

  /** Those there are now; they may be taken out meanwhile. */
  *[Symbol.iterator](): Generator<Pending> {
    for (let each = this.#first; each !== null; ) {
      const { next } = each;
      yield each;
      each = next;
    }
  }
}
