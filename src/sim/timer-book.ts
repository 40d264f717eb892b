/**
 * Owns: the timers of durable actors as committed, kept beside the store: which were set, fired,
 * taken back; that each fires once for each time it is due.
 * Does not own: keeping them (store/memory.ts), when they are due (kernel/timetable.ts).
 */
import { decode } from "../store/codec.ts";
import type { EncodedCommit, EncodedTimer, StoreAnswer, StoreOp } from "../store/store.ts";
import type { Marks } from "./marks.ts";
import type { EventStream } from "./stream.ts";

const CHECK = "durable: a timer fires once, and is not lost";

/** What the store should have of timers. */
export class TimerBook {
  readonly #stream: EventStream;
  readonly #marks: Marks;
  readonly #rows = new Map<string, Map<string, EncodedTimer>>();
  /** Numbers of messages: of timers that fired, and of those that must not any more. */
  readonly #fired = new Set<number>();
  readonly #dropped = new Set<number>();

  constructor(stream: EventStream, marks: Marks) {
    this.#stream = stream;
    this.#marks = marks;
  }

  /** Has the timer with this message fired, as committed? */
  hasFired(key: number): boolean {
    return this.#fired.has(key);
  }

  /** Has it been taken back, or replaced, before it fired? */
  isDropped(key: number): boolean {
    return this.#dropped.has(key);
  }

  /** Paths and timers that should have fired by this wall time. */
  *overdue(wallMs: number): Generator<readonly [path: string, id: string]> {
    for (const [path, rows] of this.#rows) {
      for (const { id, dueMs } of rows.values()) if (dueMs <= wallMs) yield [path, id];
    }
  }

  /** An operation, with the store's answer. */
  saw(op: StoreOp, answer: StoreAnswer): void {
    if (op.kind === "forget") this.#rows.delete(op.path);
    else if (op.kind === "fire") this.#fire(op, answer?.kind === "enqueued" ? answer.seq : 0);
    else if (op.kind === "load") this.#loaded(op.path, answer);
    else if (op.kind === "commit" && answer?.kind === "committed" && !answer.fenced) {
      this.#committed(op.commit);
    }
  }

  #of(path: string): Map<string, EncodedTimer> {
    const rows = this.#rows.get(path) ?? new Map<string, EncodedTimer>();
    this.#rows.set(path, rows);
    return rows;
  }

  #committed({ path, created, timers }: EncodedCommit): void {
    if (created !== null) this.#rows.delete(path);
    if (timers.length === 0) return;
    const rows = this.#of(path);
    for (const { id, set } of timers) {
      const before = rows.get(id);
      // (The same again, for a later time: what was missed is left out.)
      const isLater = before !== undefined && set !== null && keyOf(set) === keyOf(before);
      if (before !== undefined && !isLater) this.#dropped.add(keyOf(before));
      if (set === null) rows.delete(id);
      else rows.set(id, set);
      const mark = before === undefined ? "set" : set === null ? "taken back" : "replaced";
      this.#marks.hit(`a durable timer was ${mark}`);
    }
  }

  #fire({ path, id, dueMs, nextMs }: Extract<StoreOp, { kind: "fire" }>, seq: number): void {
    if (seq === 0) return;
    const row = this.#rows.get(path)?.get(id);
    if (row === undefined || row.dueMs !== dueMs) {
      return this.#stream.fail(CHECK, `${path}: timer ${id} fires again, or when it is not due`);
    }
    this.#fired.add(keyOf(row));
    if (nextMs === null) this.#of(path).delete(id);
    else this.#of(path).set(id, { ...row, dueMs: nextMs });
    this.#marks.hit("a durable timer has fired");
  }

  #loaded(path: string, answer: StoreAnswer): void {
    const rows = this.#rows.get(path) ?? new Map();
    const found = answer?.kind === "loaded" ? (answer.stored?.timers ?? []) : [];
    if (found.length > 0) this.#marks.hit("a durable timer outlived its incarnation");
    if (found.length === rows.size) return;
    this.#stream.fail(CHECK, `${path} is given ${found.length} timers, it had set ${rows.size}`);
  }
}

const keyOf = ({ body }: EncodedTimer) => (decode(body) as { key: number }).key;
