/**
 * Owns: the timers of a SQLite store: rows that become messages when they are due.
 * Does not own: when that is (kernel/timetable.ts), nor the mailbox (sqlite.ts).
 */
import type { Statements } from "./sqlite-statement.ts";
import type { EncodedCommit, EncodedMail, EncodedTimer, StoreOp } from "./store.ts";

/** Sets and takes back the timers of a commit, in its order. */
export function setTimers(sql: Statements, actor: number, { timers }: EncodedCommit): void {
  for (const { id, set } of timers) {
    if (set === null) sql.run("dropTimer", actor, id);
    else sql.run("setTimer", actor, id, set.dueMs, set.type, set.repeat, set.body);
  }
}

/** The timers of an actor, by id. */
export function readTimers(sql: Statements, actor: number): EncodedTimer[] {
  return sql.all<EncodedTimer>("readTimers", actor).map((timer) => ({ ...timer }));
}

/** Takes out, or moves on, the timer that fires. @returns what it says; null when there is none */
export function takeTimer(
  sql: Statements,
  actor: number,
  { path, id, dueMs, nextMs }: Extract<StoreOp, { kind: "fire" }>,
): EncodedMail | null {
  const timer = sql.get<Pick<EncodedTimer, "type" | "body">>("readTimer", actor, id, dueMs);
  if (timer === undefined) return null;
  if (nextMs === null) sql.run("dropTimer", actor, id);
  else sql.run("moveTimer", nextMs, actor, id);
  return { to: path, from: path, ask: 0, type: timer.type, body: timer.body };
}
