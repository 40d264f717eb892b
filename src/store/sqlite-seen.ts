/**
 * Owns: the ids of outside mail in a SQLite store, and the answers given to them.
 * Does not own: the mailbox (sqlite.ts).
 */
import type { Statements } from "./sqlite-statement.ts";
import { type Encoded, type EncodedCommit, type EncodedStamp, WINDOW_MS } from "./store.ts";

/** Remembers an id. @returns what is known of it if it was there before */
export function see(
  sql: Statements,
  actor: number,
  { id, atMs }: EncodedStamp,
): { answer: Encoded | null } | null {
  const known = sql.get<{ at: number; answer: Encoded | null }>("readSeen", actor, id);
  if (known !== undefined && known.at > atMs - WINDOW_MS) return { answer: known.answer };
  sql.run("setSeen", actor, id, atMs);
  sql.run("dropOldSeen", atMs - WINDOW_MS);
  return null;
}

/** Keeps the answers of a commit beside the ids that asked for them. */
export function keepAnswers(sql: Statements, actor: number, { answers }: EncodedCommit): void {
  for (const { id, answer } of answers) sql.run("setAnswer", answer, actor, id);
}
