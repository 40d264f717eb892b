/**
 * Owns: the dead letters of a SQLite store: the newest of them, bounded in number, bytes and age.
 * Does not own: which messages die (kernel/), nor their mailbox (sqlite.ts).
 */
import type { Statements } from "./sqlite-statement.ts";
import {
  DEAD_AGE_MS,
  DEAD_BYTES_MAX,
  DEAD_LETTERS_MAX,
  type EncodedCommit,
  type EncodedMail,
  type LetterAnswer,
  type LetterOp,
  type StoredDead,
  type StoredMail,
} from "./store.ts";

/** Copies the letters of a commit out of the mailbox of actor `id`; the acks remove them there. */
export function bury(sql: Statements, id: number, { path, dead }: EncodedCommit): void {
  if (dead.length === 0) return;
  const now = Date.now();
  for (const { seq, reason } of dead) sql.run("bury", now, path, JSON.stringify(reason), id, seq);
  trimDead(sql);
}

/** Deletes letters beyond the limits. */
function trimDead(sql: Statements): void {
  const newest = sql.get<{ id: number; total: number }>("newestDead");
  if (newest === undefined) return;
  const { id: last, total } = newest;
  sql.run("trimDead", last - DEAD_LETTERS_MAX + 1, total - DEAD_BYTES_MAX, last);
  sql.run("ageDead", Date.now() - DEAD_AGE_MS);
}

/** The newest letters, oldest first. */
export function readDead(
  sql: Statements,
  max: number,
  path: string | null = null,
  number: number | null = null,
): StoredDead[] {
  type Row = Omit<StoredMail, "to" | "id" | "tries"> & {
    id: number;
    at: number;
    path: string;
    reason: string;
  };
  const rows = sql.all<Row>("readDead", path, number, max);
  return rows.map(({ id, at, path, reason, ...mail }) => {
    return { id, at, mail: { ...mail, id: null, tries: 0, to: path }, reason: JSON.parse(reason) };
  });
}

const countDead = (sql: Statements): number =>
  sql.get<{ count: number }>("countDead")?.count as number;

/** @param keep puts mail into its mailbox: its number there, or 0 when the actor is not known */
export function letterOp(
  sql: Statements,
  op: LetterOp,
  keep: (mail: EncodedMail) => number,
): LetterAnswer {
  if (op.kind === "letters") {
    const letters = readDead(sql, op.max, op.path, op.id);
    return { kind: "letters", total: countDead(sql), letters };
  }
  if (op.kind === "drop") {
    const before = countDead(sql);
    sql.run("dropDead", op.id);
    return { kind: "dropped", count: before - countDead(sql) };
  }
  const [letter] = readDead(sql, 1, null, op.id);
  const mail = letter && { ...letter.mail, ask: 0, attempts: 0 };
  const seq = mail === undefined ? 0 : keep(mail);
  if (mail === undefined || seq === 0) return { kind: "revived", mail: null };
  sql.run("dropDead", op.id);
  return { kind: "revived", mail: { ...mail, seq } };
}
