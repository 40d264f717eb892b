/**
 * Owns: the kernel's Committer on top of any engine: keeps requests in order, turns the engine's
 * answers into completions. Batches are cut by whoever calls {@link StoreClient.take}.
 * Does not own: where the engine runs (node/store-link.ts, sim/world.ts), how requests are encoded
 * (asked.ts), mail that is not written yet (unwritten.ts).
 */
import type { Commit, Committer, Completion, Mail, Unnumbered } from "../kernel/ports.ts";
import { complete, completionOf, encodeCommit, type Waiting } from "./asked.ts";
import { BATCH_BYTES, BATCH_OPS, bytesOf } from "./batch.ts";
import { encode } from "./codec.ts";
import type { EncodedCommit, LetterAnswer, LetterOp, StoreAnswer, StoreOp } from "./store.ts";
import { Unwritten } from "./unwritten.ts";

/** May it go before mail that was there first? What makes an actor, or sends mail itself, may not. */
const overtakes = ({ commit }: Extract<StoreOp, { kind: "commit" }>) =>
  commit.created === null && commit.mails.length === 0;

/** Are the numbers known that it names? */
const isReady = (waiting: Waiting) =>
  waiting.kind !== "commit" || waiting.late.every(({ mail }) => mail.seq >= 0);

/** Requests not taken yet, in order. */
class Lane {
  readonly ops: StoreOp[] = [];
  readonly waiting: Waiting[] = [];

  push(op: StoreOp, waiting: Waiting): void {
    this.ops.push(op);
    this.waiting.push(waiting);
  }

  /** Moves the oldest behind what another has: no more than so many, and so many bytes. */
  pour(into: Lane, ops: number, bytes: number): number {
    let left = bytes;
    let count = 0;
    for (const op of this.ops) {
      const waiting = this.waiting[count] as Waiting;
      if (count >= ops || left <= 0 || !isReady(waiting)) break;
      left -= bytesOf(op);
      count++;
      complete(op, waiting);
      into.push(op, waiting);
    }
    this.waiting.splice(0, count);
    this.ops.splice(0, count);
    return left;
  }
}

/**
 * One kernel's end of a store.
 *
 * Commits go before mail that is not kept yet: who was let in is answered before others are let in,
 * and a store under load keeps little mail at a time. All else stays in the order of the requests.
 */
export class StoreClient implements Committer {
  readonly #first = new Lane();
  /** Mail to be kept, asked for since the last request in `#first` that may not overtake it. */
  readonly #mail = new Unwritten();
  #waiting: Waiting[] = [];
  #next = 0;
  readonly #wake: () => void;
  readonly #base: number;
  readonly #spares: (commit: EncodedCommit, mails: readonly Mail[]) => void;

  /**
   * @param wake called when there is something to take
   * @param base added to the numbers of lives: kernels count in small ones, stores compare over
   *   all starts of a node
   * @param spares called with each commit that has made it needless to write some mail
   */
  constructor(
    wake: () => void = () => {},
    base = 0,
    spares: (commit: EncodedCommit, mails: readonly Mail[]) => void = () => {},
  ) {
    this.#wake = wake;
    this.#base = base;
    this.#spares = spares;
  }

  load(path: string, life: number, again = false): void {
    const op = { kind: "load" as const, path, life: this.#base + life };
    this.#ask(again ? { ...op, again } : op, { kind: "load", path, life });
  }

  commit(commit: Commit): void {
    const { path, life, ahead } = commit;
    const op = { kind: "commit" as const, commit: encodeCommit(commit, this.#base + life) };
    const late: Unnumbered[] = [];
    const spared: Mail[] = [];
    for (const mail of ahead?.handled ?? []) {
      if (this.#mail.spare(mail)) spared.push(mail);
      else late.push({ mail, attempts: 0, reason: null });
    }
    for (const each of ahead?.failed ?? []) {
      this.number(each.mail);
      late.push(each);
    }
    if (spared.length > 0) this.#spares(op.commit, spared);
    // Mail that forgets its sender's place (ahead.ts) has none to keep before this.
    const settles = this.#mail.needed > 0 && !overtakes(op);
    if (settles || late.some(({ mail }) => this.#mail.has(mail))) this.#settle();
    this.#first.push(op, { kind: "commit", path, life, late, spared });
    this.#wake();
  }

  enqueue(mail: Mail): void {
    const { to: path, via } = mail;
    if (via === undefined || mail.seq > 0) {
      this.#mail.push(mail);
      return this.#wake();
    }
    const op = { kind: "fire" as const, path, ...via, life: this.#base + via.life };
    this.#ask(op, { kind: "enqueue", mail });
  }

  number(mail: Mail): void {
    this.#mail.need(mail);
  }

  list(path: string): void {
    this.#ask({ kind: "list", path }, { kind: "list", path });
  }

  page(path: string, life: number, after: string, max: number): void {
    this.#ask({ kind: "page", path, after, max }, { kind: "page", path, life });
  }

  due(path: string, life: number, atMs: number, after: string, max: number): void {
    this.#ask({ kind: "due", path, atMs, after, max }, { kind: "due", path, life });
  }

  sizeOf(state: unknown): number {
    return encode(state).length;
  }

  forget(path: string): void {
    this.#ask({ kind: "forget", path }, { kind: "forget", path });
  }

  flush(): boolean {
    this.#settle();
    const open = this.#next < this.#waiting.length ? this.#waiting.at(-1) : undefined;
    const last = this.#first.waiting.at(-1) ?? open;
    if (last === undefined) return true;
    last.flushes = (last.flushes ?? 0) + 1;
    return false;
  }

  /** What concerns dead letters. Mail that is revived is also completed as if it had just come. */
  letter(op: LetterOp, done: (answer: LetterAnswer) => void): void {
    this.#ask(op, { kind: "letter", done });
  }

  /** Requests that can be taken, or that wait behind those. */
  get size(): number {
    const [first] = this.#first.waiting;
    if (first !== undefined && !isReady(first)) return 0;
    return this.#first.ops.length + this.#mail.size;
  }

  /** Those of them that cannot be left out: all but mail that went ahead. */
  get awaited(): number {
    return this.size === 0 ? 0 : this.#first.ops.length + this.#mail.needed;
  }

  /** Takes the next batch for the engine. Answers must come back in the same order. */
  take(max = BATCH_OPS): StoreOp[] {
    const batch = new Lane();
    const left = this.#first.pour(batch, max, BATCH_BYTES);
    // Passed over once, mail is passed over no more: commits that never end must not keep it out.
    if (this.#first.ops.length > 0) this.#mail.pour(this.#first, Infinity, Infinity);
    else this.#mail.pour(batch, max - batch.ops.length, left, batch.ops.length === 0);
    for (const each of batch.waiting) this.#waiting.push(each);
    return batch.ops;
  }

  /** The engine's answers to the oldest unanswered requests. */
  complete(answers: readonly StoreAnswer[]): Completion[] {
    const done: Completion[] = [];
    for (const answer of answers) {
      const waiting = this.#waiting[this.#next++] as Waiting;
      const completion = completionOf(waiting, answer);
      if (completion?.kind === "committed" && !completion.result.ok) this.#writeAfterAll(waiting);
      if (completion !== null) done.push(completion);
      for (let left = waiting.flushes ?? 0; left > 0; left--) done.push({ kind: "flushed" });
    }
    if (this.#next > 1_024 || this.#next === this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    return done;
  }

  #ask(op: StoreOp, waiting: Waiting): void {
    if (op.kind !== "fire" || this.#mail.needed > 0) this.#settle();
    this.#first.push(op, waiting);
    this.#wake();
  }

  /** What comes now goes behind all mail that is there. */
  #settle(): void {
    this.#mail.pour(this.#first, Infinity, Infinity, true);
  }

  /** The commit that handled it is refused: whoever owns the actor now gets it. */
  #writeAfterAll(waiting: Waiting): void {
    if (waiting.kind !== "commit" || waiting.spared.length === 0) return;
    this.#mail.putBack(waiting.spared);
    this.#wake();
  }
}
