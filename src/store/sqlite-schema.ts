/**
 * Owns: the tables of a SQLite store and the statements on them.
 * Does not own: when they run (sqlite.ts), the file (sqlite-file.ts).
 *
 * What changes often is kept apart from what is large: a state is written once per commit and
 * nothing else rewrites it. Mail is keyed by its actor, so that mail under way lies together.
 */

/** Raised by one with each change of the tables; older files get a step (below) that brings them here. */
export const SCHEMA_VERSION = 2;

const TIMER = `
  CREATE TABLE timer (
    actor INTEGER NOT NULL, id TEXT NOT NULL, due INTEGER NOT NULL, type TEXT NOT NULL,
    repeat TEXT, body BLOB NOT NULL, PRIMARY KEY (actor, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX due ON timer (due);`;

/** What has become of a large state since it was written whole; the version is the newest state's. */
const PATCH = `
  CREATE TABLE patch (
    actor INTEGER NOT NULL, n INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (actor, n)
  ) STRICT, WITHOUT ROWID;`;

/** Ids of outside mail, with the answer that was given; those past the window go. */
const SEEN = `
  CREATE TABLE seen (
    actor INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, answer BLOB,
    PRIMARY KEY (actor, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_at ON seen (at);`;

/** What makes a file of the version before one of this version. */
export const UPGRADES: Readonly<Record<number, string>> = {
  2: `${TIMER} ${PATCH} ${SEEN} ALTER TABLE mail ADD COLUMN id TEXT;
    ALTER TABLE mail ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;`,
};

export const SCHEMA = `
  BEGIN;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  -- born, behaviour and args are null while there is only an owner that has committed nothing;
  -- born numbers the children of one parent, parent is null for what nobody can list.
  CREATE TABLE actor (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, life INTEGER NOT NULL,
    parent TEXT, born INTEGER, behaviour TEXT, args BLOB
  ) STRICT;
  CREATE INDEX child ON actor (parent, born) WHERE born IS NOT NULL;
  CREATE TABLE state (
    actor INTEGER PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL
  ) STRICT;
  CREATE TABLE mail (
    actor INTEGER NOT NULL, seq INTEGER NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL,
    ask INTEGER NOT NULL, attempts INTEGER NOT NULL, body BLOB NOT NULL,
    id TEXT, tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (actor, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE step (
    id INTEGER PRIMARY KEY, actor INTEGER NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL,
    name TEXT NOT NULL, answer BLOB NOT NULL
  ) STRICT;
  CREATE INDEX step_of ON step (actor, seq);
  CREATE TABLE progress (
    actor INTEGER PRIMARY KEY, seq INTEGER NOT NULL, effects INTEGER NOT NULL
  ) STRICT;
  -- total: bytes of all letters so far, so that the oldest beyond a limit are found in order.
  CREATE TABLE dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, path TEXT NOT NULL,
    seq INTEGER NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL, ask INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, total INTEGER NOT NULL, body BLOB NOT NULL
  ) STRICT;
  ${TIMER}
  ${PATCH}
  ${SEEN}
  INSERT INTO meta VALUES ('schema', ${SCHEMA_VERSION}), ('epoch', 0), ('seq', 0);
  COMMIT;`;

/** The column `parent` of a path: of "/a/b" it is "/a". */
export function parentOf(path: string): string | null {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? null : path.slice(0, slash);
}

/** Rows that `addMails` adds: more at a time cost as much each. */
export const ADD_MAILS = 8;
/** actor, number, sender, type, ask, body, id */
const MAIL_ROW = "(?, ?, ?, ?, ?, 0, ?, ?, 0)";

/** Prepared once per open store; SQLite compiles each at its first use. */
export const STATEMENTS = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  saveSeq: "UPDATE meta SET value = ? WHERE key = 'seq'",
  readSeq: "SELECT value FROM meta WHERE key = 'seq'",

  find: `SELECT a.id, a.life, a.born, p.seq AS parked,
      EXISTS (SELECT 1 FROM step WHERE actor = a.id) AS journal,
      EXISTS (SELECT 1 FROM patch WHERE actor = a.id) AS patched
    FROM actor a LEFT JOIN progress p ON p.actor = a.id WHERE a.path = ?`,
  addActor: "INSERT INTO actor (path, parent, life) VALUES (?, ?, 0) RETURNING id",
  own: "UPDATE actor SET life = ? WHERE id = ?",
  bear: `UPDATE actor SET behaviour = ?, args = ?, born = coalesce(born, 1 + coalesce(
      (SELECT max(born) FROM actor b WHERE b.parent IS actor.parent AND b.born IS NOT NULL), 0))
    WHERE id = ? RETURNING born`,
  dropActor: "DELETE FROM actor WHERE id = ?",

  readActor: `SELECT a.behaviour, s.version, a.args, s.body AS state, p.seq, p.effects
    FROM actor a JOIN state s ON s.actor = a.id LEFT JOIN progress p ON p.actor = a.id
    WHERE a.id = ?`,
  readMail: `SELECT seq, sender AS "from", type, ask, attempts, body, id, tries
    FROM mail WHERE actor = ? ORDER BY seq`,
  readSteps: `SELECT seq, idx AS "index", name, answer FROM step WHERE actor = ? ORDER BY id`,
  readChildren: `SELECT path, args FROM actor
    WHERE parent = ? AND born IS NOT NULL ORDER BY born`,
  pageChildren: `SELECT path, born FROM actor
    WHERE parent = ? AND born > ? ORDER BY born LIMIT ?`,
  newestChildren: `SELECT path FROM actor
    WHERE parent = ? AND born IS NOT NULL ORDER BY born DESC LIMIT ?`,
  countChildren: "SELECT count(*) AS count FROM actor WHERE parent = ? AND born IS NOT NULL",
  // From what waits to whom it waits for: the other way round all children would be looked at.
  dueChildren: `SELECT a.path FROM
      (SELECT actor FROM mail UNION SELECT actor FROM timer WHERE due <= ?) w
    CROSS JOIN actor a ON a.id = w.actor
    WHERE a.parent = ? AND a.born IS NOT NULL AND a.path > ? ORDER BY a.path LIMIT ?`,
  nextDue: `SELECT t.due FROM timer t INDEXED BY due CROSS JOIN actor a ON a.id = t.actor
    WHERE t.due > ? AND a.parent = ? ORDER BY t.due LIMIT 1`,
  readPaths: "SELECT path FROM actor WHERE born IS NOT NULL ORDER BY path",

  setState: "INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
  dropState: "DELETE FROM state WHERE actor = ?",
  readState: "SELECT version, body FROM state WHERE actor = ?",
  addPatch: "INSERT INTO patch VALUES (?, ?, ?, ?)",
  readPatches: "SELECT version, body FROM patch WHERE actor = ? ORDER BY n",
  sumPatches: `SELECT count(*) AS patches, coalesce(sum(length(body)), 0) AS bytes
    FROM patch WHERE actor = ?`,
  dropPatches: "DELETE FROM patch WHERE actor = ?",
  addMail: `INSERT INTO mail VALUES ${MAIL_ROW}`,
  addMails: `INSERT INTO mail VALUES ${Array(ADD_MAILS).fill(MAIL_ROW).join()}`,
  ackMail: "DELETE FROM mail WHERE actor = ? AND seq = ?",
  ackMails: "DELETE FROM mail WHERE actor = ? AND seq BETWEEN ? AND ?",
  countMail: "UPDATE mail SET tries = ? WHERE actor = ? AND seq = ?",
  retryMail: "UPDATE mail SET attempts = ? WHERE actor = ? AND seq = ?",
  dropMail: "DELETE FROM mail WHERE actor = ?",
  addStep: "INSERT INTO step (actor, seq, idx, name, answer) VALUES (?, ?, ?, ?, ?)",
  ackSteps: "DELETE FROM step WHERE actor = ? AND seq = ?",
  dropSteps: "DELETE FROM step WHERE actor = ?",
  setProgress: "INSERT OR REPLACE INTO progress VALUES (?, ?, ?)",
  dropProgress: "DELETE FROM progress WHERE actor = ?",

  readSeen: "SELECT at, answer FROM seen WHERE actor = ? AND id = ?",
  setSeen: "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, NULL)",
  setAnswer: "UPDATE seen SET answer = ? WHERE actor = ? AND id = ?",
  // A few with each new one: none is ever a long wait.
  dropOldSeen: `DELETE FROM seen WHERE (actor, id) IN
    (SELECT actor, id FROM seen WHERE at <= ? ORDER BY at LIMIT 3)`,
  dropSeen: "DELETE FROM seen WHERE actor = ?",

  setTimer: "INSERT OR REPLACE INTO timer VALUES (?, ?, ?, ?, ?, ?)",
  dropTimer: "DELETE FROM timer WHERE actor = ? AND id = ?",
  dropTimers: "DELETE FROM timer WHERE actor = ?",
  readTimers: `SELECT id, due AS dueMs, type, body, repeat FROM timer WHERE actor = ? ORDER BY id`,
  readTimer: "SELECT type, body FROM timer WHERE actor = ? AND id = ? AND due = ?",
  moveTimer: "UPDATE timer SET due = ? WHERE actor = ? AND id = ?",

  bury: `INSERT INTO dead (at, path, seq, sender, type, ask, attempts, reason, total, body)
    SELECT ?, ?, seq, sender, type, ask, attempts, ?,
      length(body) + coalesce((SELECT total FROM dead ORDER BY id DESC LIMIT 1), 0), body
    FROM mail WHERE actor = ? AND seq = ?`,
  newestDead: "SELECT id, total FROM dead ORDER BY id DESC LIMIT 1",
  trimDead: `DELETE FROM dead WHERE id < max(?,
    coalesce((SELECT id FROM dead WHERE total - length(body) >= ? ORDER BY id LIMIT 1), ?))`,
  ageDead: "DELETE FROM dead WHERE at < ?",
  readDead: `SELECT id, at, path, seq, sender AS "from", type, ask, attempts, reason, body
    FROM (SELECT * FROM dead WHERE path = coalesce(?, path) AND id = coalesce(?, id)
      ORDER BY id DESC LIMIT ?) ORDER BY id`,
  countDead: "SELECT count(*) AS count FROM dead",
  dropDead: "DELETE FROM dead WHERE id = coalesce(?, id)",
} as const;
