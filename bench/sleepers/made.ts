/**
 * Owns: folders with so many stored sleepers, made when first wanted, as long as this process lives.
 * Does not own: taking them away (lib/peer.ts).
 *
 * They are written through the store's own port, 10,000 in a transaction: the rows are those that
 * starts leave behind, without a million starts.
 */
import { join } from "node:path";
import { encode } from "../../src/store/codec.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { EncodedCommit, StoreOp } from "../../src/store/store.ts";
import { dataOf } from "../lib/data.ts";
import { pathOf, Sleeper } from "./app.ts";

const TOGETHER = 10_000;
const made = new Map<number, string>();

/** What the counter of a sleeper says before anybody has spoken to it: no two say the same. */
export const firstCount = (index: number): number => 7 * index;

export function sleepersOf(count: number): string {
  const folder = made.get(count) ?? join(dataOf(process.pid), `${count}`);
  if (!made.has(count)) make(folder, count);
  made.set(count, folder);
  return folder;
}

function make(folder: string, count: number): void {
  const engine = openSqlite(folder, { durability: "committed" });
  try {
    for (let at = 0; at < count; at += TOGETHER) {
      const length = Math.min(TOGETHER, count - at);
      engine.execute(Array.from({ length }, (_, i) => born(at + i)));
    }
  } finally {
    engine.close();
  }
}

const NOTHING = {
  ...{ acks: [], steps: [], progress: null, retries: [], tries: [], dead: [], timers: [] },
  ...{ answers: [], mails: [] },
} satisfies Partial<EncodedCommit>;
const created = { args: encode(undefined) };

function born(index: number): StoreOp {
  const who = { path: pathOf(index), life: 1, behaviour: Sleeper.name, version: 1 };
  const state = encode({ count: firstCount(index) });
  return { kind: "commit", commit: { ...NOTHING, ...who, created, state } };
}
