/**
 * Owns: the file of a SQLite store: its birth, checks, pragmas and epoch.
 * Does not own: what is read and written in it (sqlite.ts), who may open it (sqlite-owner.ts).
 * Invariants: the epoch rises with each owner (K11); a file that cannot be understood is never
 * written to.
 */
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ActorError } from "../actor/errors.ts";
import { crashPoint } from "./crash-point.ts";
import { corrupt, STORE_FILE, storeFault } from "./sqlite-fault.ts";
import { lockFolder } from "./sqlite-owner.ts";
import { SCHEMA, SCHEMA_VERSION, UPGRADES } from "./sqlite-schema.ts";

/** `flushed`: an answer means it is on disk; `committed`: it survives the process, not the power. */
export type Durability = "flushed" | "committed";

export interface SqliteOptions {
  readonly durability: Durability;
  /** For looking at a store, also one that is in use. @default false */
  readonly readOnly?: boolean;
  /** Whoever opens it to read may meet a version that its owner would bring up to date. */
  readonly anyVersion?: boolean;
  /**
   * Largest file of which every page is looked at before it is used. Measured on 100 MB: 0.05-0.25 s
   * when the system has it in memory, 3 s from a cold disk. In larger files damage is found when its
   * page is read; that the end is missing is found always.
   *
   * @unit bytes
   * @default 64 MiB
   */
  readonly checkBytes?: number;
}

/** An open store. `release` closes it and gives the folder free. */
export interface OpenFile {
  readonly db: DatabaseSync;
  readonly file: string;
  readonly epoch: number;
  release(): void;
}

/**
 * How long another program's lock is waited for. There is one owner, but somebody who only looks
 * may hold a lock for an instant: when it opens the file, or repairs the index of a crashed log.
 *
 * @unit ms
 */
const BUSY_MS = 2_000;

const CHECK_BYTES = 64 * 1_024 * 1_024;

/** @throws ActorError E_NODE_RUNNING E_STORE_CORRUPT E_STORE_VERSION E_STORE_IO */
export function openFile(folder: string, options: SqliteOptions): OpenFile {
  const file = join(folder, STORE_FILE);
  try {
    return options.readOnly ? openToRead(folder, file, options) : openToOwn(folder, file, options);
  } catch (thrown) {
    throw storeFault(thrown, file);
  }
}

function openToRead(folder: string, file: string, { anyVersion }: SqliteOptions): OpenFile {
  if (!fs.existsSync(file)) {
    const fix = "give the data folder of an app that has run here";
    throw new ActorError("E_STORE_IO", `there is no store in ${folder}`, { at: file, fix });
  }
  checkPlain(file);
  const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
  try {
    if (checkSchema(db, file) < SCHEMA_VERSION && !anyVersion) throw tooOld(file);
    return { db, file, epoch: meta(db, "epoch") ?? 0, release: () => db.close() };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

function openToOwn(folder: string, file: string, options: SqliteOptions): OpenFile {
  makeFolder(folder);
  const unlock = lockFolder(folder);
  let db: DatabaseSync | undefined;
  const release = () => {
    try {
      db?.close();
    } finally {
      unlock();
    }
  };
  try {
    crashPoint("open:locked");
    if (!fs.existsSync(file)) createStore(folder, file);
    checkPlain(file);
    db = new DatabaseSync(file, { timeout: BUSY_MS });
    upgrade(db, checkSchema(db, file));
    checkEnd(db, file);
    if (fs.statSync(file).size <= (options.checkBytes ?? CHECK_BYTES)) checkPages(db, file);
    db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 4000;
      PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768;
      PRAGMA temp_store = MEMORY; PRAGMA fullfsync = 1; PRAGMA synchronous = FULL;`);
    // Flushed also in a store that is not: no two owners may ever have the same epoch.
    const raise = "UPDATE meta SET value = value + 1 WHERE key = 'epoch' RETURNING value";
    const { value } = db.prepare(raise).get() as { value: number };
    crashPoint("open:raised");
    if (options.durability === "committed") db.exec("PRAGMA synchronous = NORMAL");
    return { db, file, epoch: value, release };
  } catch (thrown) {
    release();
    throw thrown;
  }
}

function makeFolder(folder: string): void {
  const first = fs.mkdirSync(folder, { recursive: true });
  if (first !== undefined) flushFolder(dirname(first));
}

/** A new name is on disk only when its folder is. */
function flushFolder(folder: string): void {
  if (process.platform === "win32") return; // which cannot flush a folder, and need not
  const handle = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Makes an empty store under another name first, so that a coppice.db without a schema is never
 * just unfinished: it is damaged.
 */
function createStore(folder: string, file: string): void {
  // SQLite would put the pages of a log that lost its store into the new one.
  if (fs.existsSync(`${file}-wal`)) {
    throw corrupt(file, `${STORE_FILE} is missing, but its log ${STORE_FILE}-wal is there`);
  }
  const draft = `${file}.new`;
  for (const rest of [draft, `${draft}-journal`]) fs.rmSync(rest, { force: true });
  const db = new DatabaseSync(draft);
  try {
    db.exec(`PRAGMA auto_vacuum = INCREMENTAL; ${SCHEMA}`);
  } finally {
    db.close();
  }
  fs.renameSync(draft, file);
  crashPoint("open:created");
  flushFolder(folder);
}

function checkPlain(file: string): void {
  const found = fs.statSync(file);
  if (!found.isFile()) throw corrupt(file, `${STORE_FILE} is a folder or a device, no file`);
  // SQLite takes an empty file for a new one, and throws its log away.
  if (found.size === 0) throw corrupt(file, `${STORE_FILE} is empty`);
}

/** @returns its version: this program's, or one that can be brought there */
function checkSchema(db: DatabaseSync, file: string): number {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name = 'meta'").all();
  const version = tables.length === 0 ? undefined : meta(db, "schema");
  if (version === undefined) throw corrupt(file, `${STORE_FILE} is no store of Coppice's`);
  if (version >= OLDEST && version <= SCHEMA_VERSION) return version;
  const fact = `${STORE_FILE} has schema ${version}; this program reads ${SCHEMA_VERSION}`;
  throw new ActorError("E_STORE_VERSION", fact, {
    at: file,
    fix: `run the version of Coppice that wrote it, or move ${STORE_FILE}* away to start afresh`,
  });
}

const OLDEST = 1;

/** Brings a file of an older version to this one, in one transaction. */
function upgrade(db: DatabaseSync, from: number): void {
  if (from === SCHEMA_VERSION) return;
  db.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
  try {
    for (let version = from + 1; version <= SCHEMA_VERSION; version++) {
      db.exec(UPGRADES[version] ?? `there is no upgrade to schema ${version}`);
    }
    db.prepare("UPDATE meta SET value = ? WHERE key = 'schema'").run(SCHEMA_VERSION);
    db.exec("COMMIT");
  } catch (thrown) {
    db.exec("ROLLBACK");
    throw thrown;
  }
}

function tooOld(file: string): ActorError {
  const fact = `${STORE_FILE} is of an older version, which its owner brings up to date`;
  const fix = "start the app on this folder once";
  return new ActorError("E_STORE_VERSION", fact, { at: file, fix });
}

/** Each page is in the file or in its log. SQLite itself compares only where there is no log. */
function checkEnd(db: DatabaseSync, file: string): void {
  const { page_count: pages } = db.prepare("PRAGMA page_count").get() as { page_count: number };
  const { page_size: size } = db.prepare("PRAGMA page_size").get() as { page_size: number };
  const log = fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const missing = pages * size - fs.statSync(file).size - log;
  if (missing > 0) throw corrupt(file, `${STORE_FILE} is cut off: ${missing} bytes are missing`);
}

/** Looks at every page once. */
function checkPages(db: DatabaseSync, file: string): void {
  const [first] = db.prepare("PRAGMA quick_check(1)").all() as { quick_check: string }[];
  if (first?.quick_check !== "ok") {
    throw corrupt(file, `${STORE_FILE} is damaged: ${first?.quick_check}`);
  }
}

function meta(db: DatabaseSync, key: string): number | undefined {
  return db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value as number | undefined;
}
