/**
 * Owns: the port of a store: encoded operations in, completions out, one batch = one transaction.
 * Does not own: where the bytes lie (memory.ts, sqlite.ts), how values become bytes (codec.ts).
 *
 * Rules every engine keeps, tested by test/tck/store.tck.ts:
 * 1. A batch takes effect as a whole or not at all, in the order of its operations.
 * 2. A commit of a life older than the one that last loaded the actor changes nothing (K11), and
 *    a life that has loaded it reads it again only while it is that one.
 * 3. Mail to an actor the store knows is kept until its commit acks it; numbers rise.
 * 4. A timer becomes mail once for each time it is due.
 * 5. An id of outside mail is known for WINDOW_MS, with the answer that was given to it.
 * 6. `flushed` engines answer after the batch is on disk; `committed` ones when it is visible.
 */
import type { ExitReason } from "../actor/exit.ts";

/** A value as the codec made it. */
export type Encoded = Uint8Array;

export interface EncodedMail {
  readonly to: string;
  readonly from: string;
  readonly type: string;
  readonly ask: number;
  readonly body: Encoded;
}

/** What makes an outside message one: its id, for a while. */
export interface EncodedStamp {
  readonly id: string;
  /** Wall time in ms. */
  readonly atMs: number;
}

/** Every so many changes, at least, a large state is kept whole. */
export const SNAPSHOT_EVERY_MAX = 1_024;

/** Children whose ids a page looks at, to find out which numbers were handed out. */
export const NEWEST = 1_000;

/** The highest number of ids such as "#7", 0 = there are none. */
export function handedOutOf(ids: Iterable<string>): number {
  let most = 0;
  for (const id of ids) if (/^#\d+$/.test(id)) most = Math.max(most, Number(id.slice(1)));
  return most;
}

/** An id is known at least this long. @unit ms */
export const WINDOW_MS = 600_000;

export interface StoredMail extends EncodedMail {
  /** Its id, if it came with one. */
  readonly id: string | null;
  /** Deliveries by lives that are gone. */
  readonly tries: number;
  readonly seq: number;
  readonly attempts: number;
}

export interface EncodedStep {
  readonly seq: number;
  readonly index: number;
  readonly name: string;
  readonly answer: Encoded;
}

export interface EncodedTimer {
  readonly id: string;
  /** Wall time in ms. */
  readonly dueMs: number;
  readonly type: string;
  readonly body: Encoded;
  /** How it repeats, as JSON; null = it fires once. */
  readonly repeat: string | null;
}

export interface EncodedCommit {
  readonly path: string;
  readonly life: number;
  readonly behaviour: string;
  readonly version: number;
  readonly created: { readonly args: Encoded } | null;
  readonly acks: readonly number[];
  readonly state: Encoded | null;
  /** After so many states kept as what changed, one is kept whole; absent: as the store likes. */
  readonly snapshotEvery?: number;
  readonly steps: readonly EncodedStep[];
  readonly progress: { readonly seq: number; readonly effects: number } | null;
  readonly retries: readonly { readonly seq: number; readonly attempts: number }[];
  readonly tries: readonly { readonly seq: number; readonly tries: number }[];
  readonly dead: readonly { readonly seq: number; readonly reason: ExitReason }[];
  /** In order: later ones of an id take the place of earlier ones; null takes it back. */
  readonly timers: readonly { readonly id: string; readonly set: EncodedTimer | null }[];
  /** Kept as long as the ids are known; others are dropped. */
  readonly answers: readonly { readonly id: string; readonly answer: Encoded }[];
  readonly mails: readonly EncodedMail[];
}

/** A message that could not be handled, kept by the store. `at` is wall time in ms. */
export interface StoredDead {
  readonly id: number;
  readonly at: number;
  readonly mail: StoredMail;
  readonly reason: ExitReason;
}

/** Most dead letters kept in a store, and most bytes of them; the oldest go first, not the last. */
export const DEAD_LETTERS_MAX = 10_000;
export const DEAD_BYTES_MAX = 32 * 1_024 * 1_024;
/** Older letters go with the next that comes. @unit ms */
export const DEAD_AGE_MS = 30 * 86_400_000;

/** What concerns dead letters only. */
export type LetterOp =
  /** The newest letters, of one actor or of all, with one number or with any: oldest first. */
  | {
      readonly kind: "letters";
      readonly path: string | null;
      readonly id: number | null;
      readonly max: number;
    }
  /** Puts a letter back into its mailbox, as if it had just come; nobody waits for its answer. */
  | { readonly kind: "revive"; readonly id: number }
  /** null: all of them. */
  | { readonly kind: "drop"; readonly id: number | null };

export type StoreOp =
  /**
   * Reads an actor and makes `life` its owner: older lives can commit no more. `again`: it is the
   * owner already, and reads what has come since; refused if somebody else has loaded meanwhile.
   */
  | {
      readonly kind: "load";
      readonly path: string;
      readonly life: number;
      readonly again?: boolean;
    }
  | { readonly kind: "commit"; readonly commit: EncodedCommit }
  /**
   * Mail from somebody who is not durable. With the id of an earlier one to this actor, of the last
   * {@link WINDOW_MS}, it is that one `again`, and is not kept.
   */
  | { readonly kind: "enqueue"; readonly mail: EncodedMail; readonly stamp?: EncodedStamp }
  /**
   * A timer due at `dueMs` becomes mail of its actor to itself, and is next due at `nextMs`, or gone.
   * Number 0 and no change when there is no such timer due then, or the life is an older one.
   */
  | {
      readonly kind: "fire";
      readonly path: string;
      readonly life: number;
      readonly id: string;
      readonly dueMs: number;
      readonly nextMs: number | null;
    }
  | { readonly kind: "list"; readonly path: string }
  /** Children of a supervisor in the order of birth, behind a place that an answer named; "" = all. */
  | { readonly kind: "page"; readonly path: string; readonly after: string; readonly max: number }
  /**
   * Children of a supervisor for whom something waits: mail, or a timer due at `atMs` or before. By
   * id (bytewise), behind the id `after`; "" = all.
   */
  | {
      readonly kind: "due";
      readonly path: string;
      readonly atMs: number;
      readonly after: string;
      readonly max: number;
    }
  | { readonly kind: "forget"; readonly path: string }
  | LetterOp;

export interface StoredActor {
  readonly behaviour: string;
  readonly version: number;
  readonly args: Encoded;
  readonly state: Encoded;
  readonly mail: readonly StoredMail[];
  readonly steps: readonly EncodedStep[];
  readonly progress: { readonly seq: number; readonly effects: number } | null;
  /** By id. */
  readonly timers: readonly EncodedTimer[];
  readonly watermark: number;
}

/** Somebody who waits for an answer: a path, and the number of the ask. */
export interface StoredAsk {
  readonly from: string;
  readonly ask: number;
}

/** One answer per operation, in order. */
export type StoreAnswer =
  | { readonly kind: "loaded"; readonly stored: StoredActor | null }
  | { readonly kind: "committed"; readonly fenced: boolean; readonly seqs: readonly number[] }
  /** seq 0: the store does not know this actor. */
  | {
      readonly kind: "enqueued";
      readonly seq: number;
      readonly again?: { readonly answer: Encoded | null };
    }
  /** To a forget: the asks that were in the mailbox, which nobody will answer. */
  | { readonly kind: "forgotten"; readonly asks: readonly StoredAsk[] }
  /** To a load: the actor, or its partition, is another's. */
  | { readonly kind: "refused" }
  | { readonly kind: "listed"; readonly children: readonly { id: string; args: Encoded }[] }
  /**
   * `next`: what to ask for more, "" = these were the last; `total`: how many there are; `handedOut`:
   * the highest n of ids such as "#n" among the last {@link NEWEST} that were born.
   */
  | {
      readonly kind: "paged";
      readonly ids: readonly string[];
      readonly next: string;
      readonly total: number;
      readonly handedOut: number;
    }
  /** `nextMs`: when the first timer of any child is due after `atMs`, null = none. */
  | { readonly kind: "due"; readonly ids: readonly string[]; readonly nextMs: number | null }
  | LetterAnswer;

/** What a forget is answered, if that mail is in the mailbox before. */
export function forgotten(mail: readonly StoredAsk[], forget: () => void): StoreAnswer {
  const asks = mail.filter(({ ask }) => ask !== 0).map(({ from, ask }) => ({ from, ask }));
  forget();
  return { kind: "forgotten", asks };
}

export type LetterAnswer =
  /** `total`: how many there are, asked for or not. */
  | { readonly kind: "letters"; readonly total: number; readonly letters: readonly StoredDead[] }
  /** null: there is no such letter, or the store does not know its actor. It stays what it is. */
  | { readonly kind: "revived"; readonly mail: StoredMail | null }
  | { readonly kind: "dropped"; readonly count: number };

/** A store's engine. Synchronous: it runs on a thread of its own, or in a simulator. */
export interface Engine {
  /** One transaction. @throws ActorError E_STORE_CORRUPT and the like; then nothing has changed */
  execute(ops: readonly StoreOp[]): StoreAnswer[];
  close(): void;
}
