/**
 * Owns: commits in flight, and the effects that each lets out when the store has answered.
 * Does not own: what is in a commit (slice.ts), what the actor does next (commits.ts).
 * Invariant: K3 no effect leaves before its commit; and what was committed leaves, in order, also
 * when its actor has died meanwhile.
 */
import type { Cell } from "./cell.ts";
import { committed } from "./commits.ts";
import { refused } from "./ending.ts";
import type { Kernel } from "./kernel.ts";
import type { Commit, Completion, Mail } from "./ports.ts";
import { type Effect, mailsOf } from "./slice.ts";

/** A kernel's commits in flight. */
export class Outgoing {
  readonly #kernel: Kernel;
  /** Effects that wait, oldest commit first, by path. */
  readonly #waiting = new Map<string, Effect[][]>();
  /** Mail that is being numbered before it leaves. */
  readonly #early = new Set<Mail>();
  readonly #flushes: (() => void)[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Who has commits in flight. */
  get paths(): Iterable<string> {
    return this.#waiting.keys();
  }

  commit(commit: Commit, effects: Effect[]): void {
    const queue = this.#waiting.get(commit.path);
    if (queue === undefined) this.#waiting.set(commit.path, [effects]);
    else queue.push(effects);
    this.#kernel.committer.commit(commit);
  }

  /** What leaves before its actor is known to the store: its mail is numbered first, nothing else. */
  number(cell: Cell, effects: readonly Effect[]): void {
    const mails = mailsOf(effects);
    for (const mail of mails) {
      this.#early.add(mail);
      this.#kernel.committer.enqueue(mail);
    }
    this.whenAnswered(() => {
      const seqs = mails.map(({ seq }) => seq);
      this.release(cell, effects, seqs);
      committed(cell);
    });
  }

  /** Was this only to be numbered? */
  isEarly(mail: Mail): boolean {
    return this.#early.delete(mail);
  }

  /** Runs something when the store has answered all that it was asked so far: perhaps at once. */
  whenAnswered(run: () => void): void {
    if (this.#kernel.committer.flush()) run();
    else this.#flushes.push(run);
  }

  /** The oldest of these is due. */
  answered(): void {
    this.#flushes.shift()?.();
  }

  /** The store has answered. @param cell the actor, if that life is still there */
  committed(completion: Extract<Completion, { kind: "committed" }>, cell: Cell | null): void {
    const { result, path, life } = completion;
    const queue = this.#waiting.get(path);
    const effects = queue?.shift() ?? [];
    if (queue?.length === 0) this.#waiting.delete(path);
    if (result.ok) {
      this.#kernel.emit({ type: "committed", path, life, mails: result.seqs.length });
      this.release(cell, effects, result.seqs);
      if (cell !== null) committed(cell);
    } else if (cell !== null) refused(cell, result.reason);
    if (cell?.own?.leaving) this.#kernel.moves.departures.rested(cell);
  }

  /**
   * Lets effects out, in order.
   *
   * @param seqs the numbers that the store gave to the mail of them; below 0: it is read, not sent
   */
  release(cell: Cell | null, effects: readonly Effect[], seqs: readonly number[] = []): void {
    let at = 0;
    for (const effect of effects) {
      if (effect.kind === "run") {
        if (cell !== null) effect.run();
        continue;
      }
      const { envelope } = effect;
      const seq = envelope.kind === "mail" ? (seqs[at++] ?? 0) : 0;
      if (envelope.kind === "mail") envelope.seq = seq;
      // Its receiver has not read yet what came before it from another node: it reads both.
      if (seq < 0) this.#kernel.send({ kind: "nudge", to: envelope.to }, null);
      else this.#kernel.send(envelope, cell);
    }
  }
}
