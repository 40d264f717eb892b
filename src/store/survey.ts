/**
 * Owns: looking at a whole store: how much of what there is, and whether all of it can be read. Also
 * the one door of this folder for the CLI. Works beside a running node: it reads one moment of it.
 * Does not own: mending what is found.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { decode } from "./codec.ts";
import { patched } from "./delta.ts";
import { STORE_FILE, storeFault } from "./sqlite-fault.ts";
import { openFile } from "./sqlite-file.ts";
import { type Owner, readOwner } from "./sqlite-owner.ts";
import { pragma } from "./sqlite-space.ts";

export { type Compacted, compactStore } from "./sqlite-space.ts";

/** What a store holds. */
export interface StoreStat {
  readonly file: string;
  readonly schema: number;
  readonly epoch: number;
  /** Who said last that the folder is theirs; it may have died since. */
  readonly owner: Owner | null;
  readonly fileBytes: number;
  readonly logBytes: number;
  /** Of the file, used by nothing. */
  readonly freeBytes: number;
  /** Rows, and bytes of their values, by what they are. */
  readonly holds: Readonly<Record<Kind, { readonly count: number; readonly bytes: number }>>;
  readonly largestState: { readonly path: string; readonly bytes: number } | null;
  readonly longestMailbox: { readonly path: string; readonly count: number } | null;
  /** ISO date of the oldest dead letter. */
  readonly oldestDead: string | null;
}

const KINDS = {
  actors: { table: "actor", column: "args", where: "born IS NOT NULL" },
  states: { table: "state", column: "body" },
  patches: { table: "patch", column: "body" },
  mail: { table: "mail", column: "body" },
  steps: { table: "step", column: "answer" },
  timers: { table: "timer", column: "body" },
  answers: { table: "seen", column: "answer", where: "answer IS NOT NULL" },
  dead: { table: "dead", column: "body" },
} as const;
export type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Kind[];

const LARGEST_STATE = `SELECT a.path, length(s.body) +
    coalesce((SELECT sum(length(body)) FROM patch WHERE actor = a.id), 0) AS bytes
  FROM state s JOIN actor a ON a.id = s.actor ORDER BY bytes DESC LIMIT 1`;
const LONGEST_MAILBOX = `SELECT a.path, count(*) AS count
  FROM mail m JOIN actor a ON a.id = m.actor GROUP BY m.actor ORDER BY count DESC LIMIT 1`;

/** @throws ActorError E_STORE_CORRUPT E_STORE_VERSION E_STORE_IO */
export function statStore(folder: string): StoreStat {
  return looking(folder, (db, file, epoch) => {
    const one = <Row>(sql: string) => (db.prepare(sql).get() as Row | undefined) ?? null;
    const held = NAMES.map((name) => {
      const { table, column, ...more } = KINDS[name];
      const where = "where" in more ? ` WHERE ${more.where}` : "";
      const sums = `count(*) AS count, coalesce(sum(length(${column})), 0) AS bytes`;
      return [name, one(`SELECT ${sums} FROM ${table}${where}`)];
    });
    const oldest = one<{ at: number | null }>("SELECT min(at) AS at FROM dead")?.at ?? null;
    return {
      file,
      schema: one<{ value: number }>("SELECT value FROM meta WHERE key = 'schema'")?.value ?? 0,
      epoch,
      owner: readOwner(folder),
      fileBytes: fs.statSync(file).size,
      logBytes: fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      freeBytes: pragma(db, "freelist_count") * pragma(db, "page_size"),
      holds: Object.fromEntries(held),
      largestState: one(LARGEST_STATE),
      longestMailbox: one(LONGEST_MAILBOX),
      oldestDead: oldest === null ? null : new Date(oldest).toISOString(),
    };
  });
}

/** What is wrong with a store. */
export interface StoreVerdict {
  readonly file: string;
  /** Values that were decoded, by what they are. */
  readonly checked: Readonly<Record<Kind, number>>;
  /** All there are; only the first are told. */
  readonly problems: number;
  readonly first: readonly string[];
}

/** Most problems that are told one by one. */
const TOLD_MAX = 100;

/** Rows that belong to nobody, and what an actor must have. */
const ORPHANS = [
  ...["state", "patch", "mail", "step", "progress", "timer"].map((table) => ({
    what: `a row of ${table} has no actor`,
    sql: `SELECT actor AS at FROM ${table} WHERE actor NOT IN (SELECT id FROM actor)`,
  })),
  {
    what: "an actor has no state",
    sql: "SELECT path AS at FROM actor WHERE born IS NOT NULL AND id NOT IN (SELECT actor FROM state)",
  },
  {
    what: "a state has patches, but nothing that they change",
    sql: "SELECT DISTINCT actor AS at FROM patch WHERE actor NOT IN (SELECT actor FROM state)",
  },
  {
    what: "mail has a number that was not given out yet",
    sql: "SELECT seq AS at FROM mail WHERE seq > (SELECT value FROM meta WHERE key = 'seq')",
  },
];

/**
 * Looks at every page, every index and every value of a store, however large it is.
 *
 * @throws ActorError E_STORE_CORRUPT E_STORE_VERSION E_STORE_IO when it cannot even be opened
 */
export function verifyStore(folder: string): StoreVerdict {
  return looking(folder, (db, file) => {
    const found = new Problems();
    for (const row of db.prepare(`PRAGMA integrity_check(${TOLD_MAX})`).iterate()) {
      const { integrity_check: line } = row as { integrity_check: string };
      if (line !== "ok") found.add(line);
    }
    const checked = Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<Kind, number>;
    // Of a file with broken pages nothing else can be said.
    if (found.count === 0) {
      for (const { what, sql } of ORPHANS) {
        for (const { at } of db.prepare(sql).iterate() as Iterable<{ at: unknown }>) {
          found.add(`${what}: ${at}`);
        }
      }
      for (const name of NAMES) checked[name] = readAll(db, name, found);
    }
    return { file, checked, problems: found.count, first: found.first };
  });
}

class Problems {
  count = 0;
  readonly first: string[] = [];

  add(text: string): void {
    if (++this.count <= TOLD_MAX) this.first.push(text);
  }
}

/** Decodes all of a kind. @returns how many */
function readAll(db: DatabaseSync, name: Kind, found: Problems): number {
  const { table, column, ...more } = KINDS[name];
  const where = "where" in more ? ` WHERE ${more.where}` : "";
  // A patch means something only with its state.
  const patches = db.prepare("SELECT body FROM patch WHERE actor = ? ORDER BY n");
  const rows = db.prepare(`SELECT *, ${column} AS value FROM ${table}${where}`).iterate();
  let count = 0;
  for (const row of rows as Iterable<{ value: Uint8Array; actor?: number; reason?: string }>) {
    count++;
    try {
      if (name === "states") {
        const since = patches.all(row.actor as number) as { body: Uint8Array }[];
        const bodies = since.map(({ body }) => body);
        decode(patched(row.value, bodies));
      } else decode(row.value);
      if (name === "dead") JSON.parse(row.reason as string);
    } catch (thrown) {
      const { path, actor, seq, id } = row as Record<string, unknown>;
      const at = path ?? `actor ${actor}${seq === undefined ? "" : `, ${seq}`}`;
      found.add(`${name}: ${at ?? id} cannot be decoded: ${(thrown as Error).message}`);
    }
  }
  return count;
}

/** One moment of a store. */
function looking<T>(folder: string, look: (db: DatabaseSync, file: string, epoch: number) => T): T {
  const file = join(folder, STORE_FILE);
  const { db, epoch, release } = openFile(folder, { durability: "flushed", readOnly: true });
  try {
    db.exec("BEGIN");
    return look(db, file, epoch);
  } catch (thrown) {
    throw storeFault(thrown, file);
  } finally {
    release();
  }
}
