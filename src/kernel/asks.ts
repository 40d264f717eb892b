/**
 * Owns: who waits for which answer, by number: handlers and callers from outside. Each answer counts
 * once: the first one, or the timeout, or the loss of whoever was asked.
 * Does not own: sending the question (verbs.ts), going on with the answer (journal.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import { failed } from "./answers.ts";
import type { Kernel } from "./kernel.ts";
import { Numbered } from "./numbered.ts";
import type { Pending } from "./pending.ts";
import type { Answer } from "./ports.ts";
import type { TimerEntry } from "./timers.ts";

/** Somebody outside who waits for an answer. */
interface Outsider {
  readonly cell: null;
  readonly target: string;
  readonly supervisor: boolean;
  readonly done: (answer: Answer) => void;
  id: number;
  timer: TimerEntry | null;
}

type Expected = Pending | Outsider;

/** The answers a kernel waits for. */
export class Asks {
  readonly #kernel: Kernel;
  readonly #expected = new Numbered<Expected>();

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
    pending.id = id;
    this.#expected.add(pending);
    if (pending.cell !== null) pending.cell.more.asks.add(pending);
    return id;
  }

  /** The same for somebody outside; infinite `ms`: no timeout. */
  outside(target: string, supervisor: boolean, ms: number, done: (answer: Answer) => void): number {
    const { timers } = this.#kernel;
    const nowMs = this.#kernel.freshen();
    const pending: Outsider = { cell: null, done, target, supervisor, id: 0, timer: null };
    const id = this.expect(pending);
    if (ms !== Number.POSITIVE_INFINITY) {
      pending.timer = timers.add(nowMs + ms, () => this.timedOut(id));
    }
    return id;
  }

  /** Does somebody still wait for this answer? */
  expects(id: number): boolean {
    return this.#expected.get(id) !== undefined;
  }

  abandon(id: number): void {
    const pending = this.#expected.get(id);
    if (pending !== undefined) this.#forget(pending);
  }

  timedOut(id: number): void {
    const pending = this.#expected.get(id);
    if (pending === undefined) return;
    const what = pending.cell === null ? pending.target : `${pending.cell.path}, ${pending.name}`;
    this.answered(id, failed("timeout", what));
  }

  /** An answer has come in; the numbers of actors that moved may be those of others here. */
  replied(to: string, id: number, answer: Answer): void {
    const cell = this.#expected.get(id)?.cell ?? null;
    if (cell === null || cell.path === to) this.answered(id, answer);
  }

  /** An answer: the first one counts, later ones are dropped (SEMANTICS 21.2). */
  answered(id: number, answer: Answer): void {
    const pending = this.#expected.get(id);
    if (pending === undefined) return;
    this.#forget(pending);
    const { cell } = pending;
    if (cell === null) return pending.done(answer);
    pending.answer = answer;
    cell.signals.push(pending);
    this.#kernel.schedule(cell);
  }

  #forget(pending: Expected): void {
    this.#expected.delete(pending);
    if (pending.timer !== null) this.#kernel.timers.cancel(pending.timer);
    if (pending.cell !== null) pending.cell.more.asks.delete(pending);
  }

  /** Whoever is at these paths cannot answer any more. */
  lost(gone: (path: string, supervisor: boolean) => boolean, reason: ExitReason): void {
    for (const { id, target, supervisor } of this.#expected.list()) {
      if (target === "" || !gone(target, supervisor)) continue;
      this.answered(id, failed("exited", target, reason));
    }
  }
}
