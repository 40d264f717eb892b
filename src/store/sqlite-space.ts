/**
 * Owns: giving room that a SQLite store no longer needs back to the file system: a little at a time
 * while it runs, all at once by {@link compactStore}.
 * Does not own: what is deleted (sqlite.ts, sqlite-dead.ts), the log's limit (sqlite-file.ts).
 */
import * as fs from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { STORE_FILE, storeFault } from "./sqlite-fault.ts";
import { openFile } from "./sqlite-file.ts";

/** Room is given back when so much of it is free: less will be needed again soon. @unit pages */
const FREE_MIN = 4_096;
/** So much at a time: nobody waits for it long. @unit pages */
const PAGES = 1_024;

/** Room is looked for that can be given back, once in so many transactions. */
const EVERY = 1_024;

/** To be called after each transaction: now and then it gives some free pages back. */
export function shrinker(db: DatabaseSync): () => void {
  let transactions = 0;
  return () => {
    if (++transactions % EVERY === 0) shrink(db);
  };
}

/** Gives back some of the free pages, if they are many and as many as the others. */
function shrink(db: DatabaseSync): void {
  const free = pragma(db, "freelist_count");
  if (free < FREE_MIN || free < pragma(db, "page_count") / 2) return;
  db.exec(`PRAGMA incremental_vacuum(${PAGES})`);
}

/** A setting or number of the file. */
export function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0]);
}

/** Bytes of the file and its log, before and after. */
export interface Compacted {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * Writes the file of a store that nobody uses anew, without gaps. Needs as much free disk again.
 *
 * @throws ActorError E_NODE_RUNNING E_STORE_CORRUPT E_STORE_VERSION E_STORE_IO
 */
export function compactStore(folder: string): Compacted {
  const file = join(folder, STORE_FILE);
  // Looking at it first: a folder without a store must not get one.
  openFile(folder, { durability: "flushed", readOnly: true, anyVersion: true }).release();
  const bytesBefore = sizeOf(file);
  const { db, release } = openFile(folder, { durability: "flushed" });
  try {
    db.exec("PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (thrown) {
    throw storeFault(thrown, file);
  } finally {
    release();
  }
  return { bytesBefore, bytesAfter: sizeOf(file) };
}

/** The file with its log. @unit bytes */
export function sizeOf(file: string): number {
  const size = (name: string) => fs.statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  return size(file) + size(`${file}-wal`);
}
