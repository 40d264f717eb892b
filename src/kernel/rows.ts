/**
 * Owns: what a store keeps of a durable actor besides its state, mail and steps: timers, and the
 * ids of mail from outside; what is said of mail that it has not numbered yet.
 * Does not own: commits and mail (ports.ts, which passes these on).
 */
import type { Missed } from "../actor/context.ts";
import type { ExitReason } from "../actor/exit.ts";
import type { Answer, Mail } from "./ports.ts";

/** A timer that comes again; both kinds of times are wall time, in ms. */
export type Repetition = { readonly missed: Missed } & (
  | { readonly everyMs: number }
  | { readonly cron: string; readonly zone: string }
);

/** A timer as a store keeps it: due in wall time, as it may outlive the machine. */
export interface TimerRecord {
  /** Its name among the timers of its actor. */
  readonly id: string;
  readonly dueMs: number;
  readonly type: string;
  readonly message: unknown;
  readonly repeat: Repetition | null;
}

/** A timer set or, with null, taken back. */
export interface TimerChange {
  readonly id: string;
  readonly set: TimerRecord | null;
}

/** What somebody outside wants of a message to a durable actor. */
export interface Stamp {
  /** The same id again, while the store's window lasts, is the same message; "" = it has none. */
  readonly id: string;
  /** Number of the answer that says it is stored; 0 = nobody waits for that. */
  readonly receipt: number;
  /** Wall time of its arrival at the store. */
  readonly atMs: number;
}

/** Which timer fires, for which due time, and when it is due next. */
export interface Firing {
  readonly life: number;
  readonly id: string;
  readonly dueMs: number;
  readonly nextMs: number | null;
}

/** What the store says of the children of a supervisor, to its incarnation that has asked. */
export type Surveyed =
  | {
      readonly kind: "paged";
      readonly path: string;
      readonly life: number;
      readonly ids: readonly string[];
      readonly next: string;
      readonly total: number;
      readonly handedOut: number;
    }
  | {
      readonly kind: "due";
      readonly path: string;
      readonly life: number;
      readonly ids: readonly string[];
      readonly nextMs: number | null;
    };

/** A message that a commit names although it has no number yet. */
export interface Unnumbered {
  readonly mail: Mail;
  /** How often it has made its actor crash; 0 = it was handled. */
  readonly attempts: number;
  readonly reason: ExitReason | null;
}

/** Mail of a commit that had no number when it was sealed (ahead.ts). */
export interface Ahead {
  readonly handled: readonly Mail[];
  /** What has made its actor crash, so often; with a reason it is a dead letter. */
  readonly failed: readonly Unnumbered[];
}

/** The store has numbered a message; 0: it does not know the receiver. */
export interface Enqueued {
  readonly kind: "enqueued";
  readonly mail: Mail;
  /** Its id was there before, and so was its answer, perhaps; then it is not kept. */
  readonly again?: { readonly answer: Answer | null };
  /** The life of its receiver that has had it already. */
  readonly ahead?: number;
}
