/**
 * Owns: the dead letters of a SQLite store: the newest of them, bounded in number and in bytes.
 * Does not own: which messages die (kernel/), nor their mailbox (sqlite.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Statements } from "./sqlite-statement.ts";
import type { EncodedCommit, StoredMail } from "./store.ts";

/** Most dead letters kept in a store, and most bytes of them; the oldest go first, not the last. */
export const DEAD_LETTERS_MAX = 10_000;
export const DEAD_BYTES_MAX = 32 * 1_024 * 1_024;

/** A message that could not be handled. `at` is wall time in ms. */
export interface StoredDead {
  readonly id: number;
  readonly at: number;
  readonly path: string;
  readonly mail: StoredMail;
  readonly reason: ExitReason;
}

/** Copies the letters of a commit out of the mailbox of actor `id`; the acks remove them there. */
export function bury(sql: Statements, id: number, { path, dead }: EncodedCommit): void {
  if (dead.length === 0) return;
  const now = Date.now();
  for (const { seq, reason } of dead) sql.run("bury", now, path, JSON.stringify(reason), id, seq);
  const newest = sql.get<{ id: number; total: number }>("newestDead");
  if (newest === undefined) return;
  const { id: last, total } = newest;
  sql.run("trimDead", last - DEAD_LETTERS_MAX + 1, total - DEAD_BYTES_MAX, last);
}

/** The newest letters, oldest first. */
export function readDead(sql: Statements, max: number): StoredDead[] {
  type Row = Omit<StoredMail, "to"> & { id: number; at: number; path: string; reason: string };
  return sql.all<Row>("readDead", max).map(({ id, at, path, reason, ...mail }) => {
    return { id, at, path, mail: { ...mail, to: path }, reason: JSON.parse(reason) };
  });
}
