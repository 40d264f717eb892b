/**
 * Owns: what the errors of SQLite and of the file system mean to a person.
 * Does not own: finding them.
 */
import { ActorError } from "../actor/errors.ts";

/** The file of a store, in its data folder. */
export const STORE_FILE = "coppice.db";

export function corrupt(at: string, fact: string, cause?: unknown): ActorError {
  const files = `move ${STORE_FILE}* out of the folder`;
  const fix = `${files}, then put a copy of ${STORE_FILE} there, or start afresh`;
  return new ActorError("E_STORE_CORRUPT", fact, { at, fix, cause });
}

/** SQLite's primary result code; 0 when it is none of its errors. */
function sqliteCode(thrown: unknown): number {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code & 0xff : 0;
}

/** Somebody else holds a lock. */
export const isBusy = (thrown: unknown): boolean => sqliteCode(thrown) === 5;

const IO_FIX: Readonly<Record<number, string>> = {
  3: "let this user read and write the folder",
  5: "close the other program that has the file open",
  6: "close the other program that has the file open",
  8: "let this user write the folder and its files",
  10: "look at the disk and the system's log",
  13: "make room on the disk",
  14: "let this user read and write the folder",
  22: "use a file system that can hold files of this size",
};

/** What an error of SQLite's or of the file system's means. */
export function storeFault(thrown: unknown, at: string): ActorError {
  if (thrown instanceof ActorError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = sqliteCode(thrown);
  if (code === 11 || code === 26) return corrupt(at, `the store is damaged: ${message}`, thrown);
  const known = IO_FIX[code] ?? systemFix(thrown);
  if (known === undefined) {
    const fix = "please report this: a batch did not fit the store's rules";
    return new ActorError("E_INTERNAL", `the store refused: ${message}`, {
      at,
      fix,
      cause: thrown,
    });
  }
  const fact = `the store cannot be used: ${message}`;
  return new ActorError("E_STORE_IO", fact, { at, fix: known, cause: thrown });
}

function systemFix(thrown: unknown): string | undefined {
  const { code, syscall } = (thrown ?? {}) as { code?: unknown; syscall?: unknown };
  if (typeof code !== "string" || typeof syscall !== "string") return undefined;
  if (code === "ENOSPC" || code === "EDQUOT") return IO_FIX[13];
  if (code === "EEXIST" || code === "ENOTDIR") return "give a folder: a file is in the way";
  return code === "EIO" ? IO_FIX[10] : IO_FIX[14];
}
