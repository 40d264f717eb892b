/**
 * Owns: the rows of the message in flight in a SQLite store, and what is remembered of an actor so
 * that a commit need not look it up.
 * Does not own: what is recorded (kernel/journal.ts).
 */
import type { Mailbox } from "./sqlite-mail.ts";
import type { StateOwner } from "./sqlite-state.ts";
import type { Statements } from "./sqlite-statement.ts";
import type { EncodedCommit } from "./store.ts";

/** What a commit needs to know of its actor: the small part of its row, true to the file. */
export interface Known extends StateOwner, Mailbox {
  life: number;
  /** Its place among its siblings; null: it has an owner, but has never committed. */
  born: number | null;
  /** Number of the message whose progress is kept. */
  parked: number | null;
  /** There are steps of messages in flight, or there were. */
  journal: boolean;
}

/** Steps and progress of the message in flight end with its ack. */
export function keepJournal(
  sql: Statements,
  known: Known,
  { acks, steps, progress }: EncodedCommit,
): void {
  const { id, parked } = known;
  if (known.journal) for (const seq of acks) sql.run("ackSteps", id, seq);
  for (const { seq, index, name, answer } of steps) {
    if (acks.includes(seq)) continue;
    sql.run("addStep", id, seq, index, name, answer);
    known.journal = true;
  }
  if (progress !== null) {
    sql.run("setProgress", id, progress.seq, progress.effects);
    known.parked = progress.seq;
  } else if (parked !== null && acks.includes(parked)) {
    sql.run("dropProgress", id);
    known.parked = null;
  }
}

/** How often messages were delivered: by this life, and by those that are gone. */
export function count(sql: Statements, id: number, { retries, tries }: EncodedCommit): void {
  for (const each of retries) sql.run("retryMail", each.attempts, id, each.seq);
  for (const each of tries) sql.run("countMail", each.tries, id, each.seq);
}
