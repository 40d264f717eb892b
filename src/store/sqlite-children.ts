/**
 * Owns: the children of a supervisor in a SQLite store: all, at once or page by page, and those for whom
 * something waits. Does not own: their rows (sqlite.ts).
 */
import type { Statements } from "./sqlite-statement.ts";
import { type Encoded, handedOutOf, NEWEST, type StoreAnswer, type StoreOp } from "./store.ts";

/** All, in the order of birth, with what they were started with. */
export function list(sql: Statements, path: string): StoreAnswer {
  const rows = sql.all<{ path: string; args: Encoded }>("readChildren", path);
  const children = rows.map((row) => ({ id: row.path.slice(path.length + 1), args: row.args }));
  return { kind: "listed", children };
}

/** Some of all, in the order of birth. */
export function page(
  sql: Statements,
  { path, after, max }: Extract<StoreOp, { kind: "page" }>,
): StoreAnswer {
  type Row = { path: string; born: number };
  const rows = sql.all<Row>("pageChildren", path, Number(after), max + 1);
  const next = rows.length > max ? String(rows[max - 1]?.born) : "";
  const ids = rows.slice(0, max).map((row) => row.path.slice(path.length + 1));
  const total = sql.get<{ count: number }>("countChildren", path)?.count ?? 0;
  const newest = sql.all<{ path: string }>("newestChildren", path, NEWEST);
  const handedOut = handedOutOf(newest.map((row) => row.path.slice(path.length + 1)));
  return { kind: "paged", ids, next, total, handedOut };
}

/** Those that have mail, or a timer that is due. */
export function due(
  sql: Statements,
  { path, atMs, after, max }: Extract<StoreOp, { kind: "due" }>,
): StoreAnswer {
  const rows = sql.all<{ path: string }>("dueChildren", atMs, path, `${path}/${after}`, max);
  const ids = rows.map((row) => row.path.slice(path.length + 1));
  return { kind: "due", ids, nextMs: sql.get<{ due: number }>("nextDue", atMs, path)?.due ?? null };
}
