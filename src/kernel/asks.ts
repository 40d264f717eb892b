/**
 * Owns: who waits for which answer, by number: handlers and callers from outside. Each answer counts
 * once: the first one, or the timeout, or the loss of whoever was asked.
 * Does not own: sending the question (verbs.ts), going on with the answer (commits.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import { failed } from "./answers.ts";
import type { Kernel } from "./kernel.ts";
import type { Answer } from "./ports.ts";
import type { Pending } from "./waiting.ts";

/** What waits for an answer: a handler, or somebody outside. */
type Expected =
  | Pending
  | (Pick<Pending, "timer" | "target" | "supervisor"> & {
      readonly cell: null;
      readonly done: (answer: Answer) => void;
    });

/** The answers a kernel waits for. */
export class Asks {
  readonly #kernel: Kernel;
  readonly #expected = new Map<number, Expected>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** None is left when all have ended. */
  get size(): number {
    return this.#expected.size;
  }

  /** A number under which an answer will come. */
  expect(pending: Expected): number {
    const id = this.#kernel.nextId();
    this.#expected.set(id, pending);
    if (pending.cell !== null) pending.cell.more.asks.add(id);
    return id;
  }

  /** The same for somebody outside; infinite `ms`: no timeout. */
  outside(target: string, supervisor: boolean, ms: number, done: (answer: Answer) => void): number {
    const { timers, nowMs } = this.#kernel;
    const pending: Expected = { cell: null, done, target, supervisor, timer: null };
    const id = this.expect(pending);
    if (ms !== Number.POSITIVE_INFINITY) {
      pending.timer = timers.add(nowMs + ms, () => this.timedOut(id));
    }
    return id;
  }

  /** Does somebody still wait for this answer? */
  expects(id: number): boolean {
    return this.#expected.has(id);
  }

  abandon(id: number): void {
    const pending = this.#expected.get(id);
    this.#expected.delete(id);
    if (pending?.timer) this.#kernel.timers.cancel(pending.timer);
  }

  timedOut(id: number): void {
    const pending = this.#expected.get(id);
    if (pending === undefined) return;
    const what = pending.cell === null ? pending.target : `${pending.cell.path}, ${pending.name}`;
    this.answered(id, failed("timeout", what));
  }

  /** An answer: the first one counts, later ones are dropped (SEMANTICS 21.2). */
  answered(id: number, answer: Answer): void {
    const pending = this.#expected.get(id);
    if (pending === undefined) return;
    this.abandon(id);
    if (pending.cell === null) return pending.done(answer);
    pending.cell.more.asks.delete(id);
    pending.cell.signals.push({ kind: "answered", pending, answer });
    this.#kernel.schedule(pending.cell);
  }

  /** Whoever is at these paths cannot answer any more. */
  lost(gone: (path: string, supervisor: boolean) => boolean, reason: ExitReason): void {
    for (const [id, { target, supervisor }] of this.#expected) {
      if (target === "" || !gone(target, supervisor)) continue;
      this.answered(id, failed("exited", target, reason));
    }
  }
}
