/**
 * Owns: the mailboxes of a SQLite store: their rows, and the numbers of what waits, so that mail
 * which is acked together in the order it came is deleted together. What comes in a transaction is put
 * in its table by mailbox, several rows at a time: two thirds of what each by itself costs.
 * Does not own: numbers (sqlite.ts), ids of outside mail (sqlite-seen.ts), dead letters.
 * Invariant: nobody reads or changes the table before {@link Mailboxes.write}.
 */
import { ADD_MAILS } from "./sqlite-schema.ts";
import type { Statements, Value } from "./sqlite-statement.ts";
import type { EncodedMail, StoredMail, StoreOp } from "./store.ts";

/** Numbers remembered for one actor; whoever has more has them found in the file. */
const WAITING_MAX = 1_024;

/** What is remembered of a mailbox, true to the file. */
export interface Mailbox {
  readonly id: number;
  /** Numbers of its mail, in order, and of no less than that; null: not known. */
  waiting: number[] | null;
}

/** A row to be. */
interface Row {
  readonly box: number;
  readonly seq: number;
  readonly mail: EncodedMail;
  readonly stamp: string | null;
}

const valuesOf = ({ box, seq, mail: { from, type, ask, body }, stamp }: Row): Value[] => [
  ...[box, seq, from, type, ask, body, stamp],
];

/** The mailboxes of one open store. */
export class Mailboxes {
  readonly #sql: Statements;
  /** Not in the table yet, in the order of their numbers. */
  #rows: Row[] = [];

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Puts mail into a mailbox. @param stamp its id, if it came with one */
  keep(box: Mailbox, seq: number, mail: EncodedMail, stamp: string | null): void {
    this.#rows.push({ box: box.id, seq, mail, stamp });
    if (box.waiting !== null && box.waiting.push(seq) > WAITING_MAX) box.waiting = null;
  }

  /** Must what came be in the table before this? Not for more mail, nor for what names older mail. */
  matters(op: StoreOp): boolean {
    const [first] = this.#rows;
    if (first === undefined || op.kind === "enqueue" || op.kind === "fire") return false;
    if (op.kind !== "commit" || op.commit.created !== null) return true;
    const { acks, retries, tries } = op.commit;
    const isNew = (seq: number) => seq >= first.seq;
    // (What is buried is acked as well.)
    return acks.some(isNew) || [...retries, ...tries].some(({ seq }) => isNew(seq));
  }

  /** Brings all that came into the table. */
  write(): void {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    if (rows.length >= ADD_MAILS) rows.sort((a, b) => a.box - b.box || a.seq - b.seq);
    let at = 0;
    for (; at + ADD_MAILS <= rows.length; at += ADD_MAILS) {
      this.#sql.run("addMails", ...rows.slice(at, at + ADD_MAILS).flatMap(valuesOf));
    }
    for (const row of rows.slice(at)) this.#sql.run("addMail", ...valuesOf(row));
  }

  /** The transaction is undone. */
  clear(): void {
    this.#rows = [];
  }

  /** Deletes mail: in one statement if it is the oldest that waits. */
  ack(box: Mailbox, acks: readonly number[]): void {
    const { id, waiting } = box;
    const areOldest = waiting !== null && acks.every((seq, nth) => seq === waiting[nth]);
    if (areOldest && acks.length > 1) {
      this.#sql.run("ackMails", id, acks[0] as number, acks.at(-1) as number);
    } else {
      for (const seq of acks) this.#sql.run("ackMail", id, seq);
    }
    if (areOldest) waiting.splice(0, acks.length);
    else if (waiting !== null) box.waiting = waiting.filter((seq) => !acks.includes(seq));
  }

  /** All that waits, in order. */
  read(box: Mailbox, to: string): StoredMail[] {
    type Read = Omit<StoredMail, "to">;
    const mail = this.#sql.all<Read>("readMail", box.id).map((each) => ({ ...each, to }));
    box.waiting = mail.length > WAITING_MAX ? null : mail.map(({ seq }) => seq);
    return mail;
  }
}
