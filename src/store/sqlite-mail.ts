/**
 * Owns: the mailboxes of a SQLite store: their rows, and the numbers of what waits, so that mail
 * which is acked together in the order it came is deleted together.
 * Does not own: numbers (sqlite.ts), ids of outside mail (sqlite-seen.ts), dead letters.
 */
import type { Statements } from "./sqlite-statement.ts";
import type { EncodedMail, StoredMail } from "./store.ts";

/** Numbers remembered for one actor; whoever has more has them found in the file. */
const WAITING_MAX = 1_024;

/** What is remembered of a mailbox, true to the file. */
export interface Mailbox {
  readonly id: number;
  /** Numbers of its mail, in order, and of no less than that; null: not known. */
  waiting: number[] | null;
}

/** Puts mail into a mailbox. @param stamp its id, if it came with one */
export function keepMail(
  sql: Statements,
  box: Mailbox,
  seq: number,
  { from, type, ask, body }: EncodedMail,
  stamp: string | null,
): void {
  sql.run("addMail", box.id, seq, from, type, ask, body, stamp);
  if (box.waiting !== null && box.waiting.push(seq) > WAITING_MAX) box.waiting = null;
}

/** Deletes mail: in one statement if it is the oldest that waits. */
export function ackMail(sql: Statements, box: Mailbox, acks: readonly number[]): void {
  const { id, waiting } = box;
  const areOldest = waiting !== null && acks.every((seq, nth) => seq === waiting[nth]);
  if (areOldest && acks.length > 1) {
    sql.run("ackMails", id, acks[0] as number, acks.at(-1) as number);
  } else {
    for (const seq of acks) sql.run("ackMail", id, seq);
  }
  if (areOldest) waiting.splice(0, acks.length);
  else if (waiting !== null) box.waiting = waiting.filter((seq) => !acks.includes(seq));
}

/** All that waits, in order. */
export function readMail(sql: Statements, box: Mailbox, to: string): StoredMail[] {
  type Row = Omit<StoredMail, "to">;
  const mail = sql.all<Row>("readMail", box.id).map((each) => ({ ...each, to }));
  box.waiting = mail.length > WAITING_MAX ? null : mail.map(({ seq }) => seq);
  return mail;
}
