/**
 * Owns: that a data folder has one owner: its lock, and a note of who holds it.
 * Does not own: the store's file (sqlite-file.ts).
 * Invariant: the lock is the system's and dies with its process; the note is only for messages.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ActorError } from "../actor/errors.ts";
import { isBusy, storeFault } from "./sqlite-fault.ts";

const LOCK_FILE = "lock.db";
const OWNER_FILE = "owner.json";

/** Who owns a folder, for messages: the lock itself is the system's. */
export interface Owner {
  readonly pid: number;
  /** ISO date. */
  readonly since: string;
}

/**
 * Takes the lock of the folder. It is SQLite's own lock on a file of its own that stays empty: the
 * system drops it with the process, whatever ends it, and it knows nothing of pids. Nobody else in
 * this process may open lock.db: closing a file drops all POSIX locks a process has on it.
 *
 * @returns gives it back
 */
export function lockFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (thrown) {
    lock.close();
    if (isBusy(thrown)) throw running(folder);
    throw storeFault(thrown, join(folder, LOCK_FILE));
  }
  const note = join(folder, OWNER_FILE);
  try {
    const owner: Owner = { pid: process.pid, since: new Date().toISOString() };
    fs.writeFileSync(`${note}.new`, JSON.stringify(owner));
    fs.renameSync(`${note}.new`, note);
  } catch (thrown) {
    lock.close();
    throw storeFault(thrown, note);
  }
  return () => {
    fs.rmSync(note, { force: true });
    lock.close();
  };
}

function running(folder: string): ActorError {
  const owner = readOwner(folder);
  const who = owner === null ? "" : ` by process ${owner.pid} since ${owner.since}`;
  return new ActorError("E_NODE_RUNNING", `the data folder ${folder} is in use${who}`, {
    at: join(folder, LOCK_FILE),
    fix: `stop ${owner === null ? "the other node" : `process ${owner.pid}`}, or use another --data`,
  });
}

/** Who said last that the folder is theirs; it may have died since. */
export function readOwner(folder: string): Owner | null {
  try {
    const { pid, since } = JSON.parse(fs.readFileSync(join(folder, OWNER_FILE), "utf8"));
    return { pid: Number(pid), since: String(since) };
  } catch {
    return null; // for messages only: the lock is what counts
  }
}
