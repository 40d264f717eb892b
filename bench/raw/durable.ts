/**
 * Owns: the ceiling of durable.ts: the rows that keeping a message, then its ack and the new state
 * takes, in transactions of 1,000 messages, by node:sqlite alone: no actors, no threads, no encoding.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { dataOf } from "../lib/data.ts";
import type { Outcome } from "../lib/outcome.ts";
import { COUNTERS } from "../lib/sizes.ts";

const folder = dataOf(process.pid);
mkdirSync(folder, { recursive: true });
const db = new DatabaseSync(join(folder, "raw.db"));
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
  CREATE TABLE mail (actor INTEGER, seq INTEGER, body BLOB, PRIMARY KEY (actor, seq)) WITHOUT ROWID;
  CREATE TABLE state (actor INTEGER PRIMARY KEY, body BLOB);`);
const addMail = db.prepare("INSERT INTO mail VALUES (?, ?, ?)");
const ackMail = db.prepare("DELETE FROM mail WHERE actor = ? AND seq = ?");
const setState = db.prepare("INSERT OR REPLACE INTO state VALUES (?, ?)");
let seq = 0;

function transaction(work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  work();
  db.exec("COMMIT");
}

export function run(_: unknown, n: number): Outcome {
  const beganAt = performance.now();
  const body = new Uint8Array(24);
  for (let left = n; left > 0; left -= COUNTERS) {
    const first = seq;
    const keys = Math.min(COUNTERS, left);
    transaction(() => {
      for (let key = 0; key < keys; key++) addMail.run(key, ++seq, body);
    });
    transaction(() => {
      for (let key = 0; key < keys; key++) {
        ackMail.run(key, first + key + 1);
        setState.run(key, body);
      }
    });
  }
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
