// The stores under the acceptance suite, and what only the SQLite one has.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryEngine } from "../../src/store/memory.ts";
import { openSqlite, type SqliteEngine } from "../../src/store/sqlite.ts";
import {
  DEAD_AGE_MS,
  DEAD_BYTES_MAX,
  DEAD_LETTERS_MAX,
  type StoredDead,
} from "../../src/store/store.ts";
import { type OpenStore, storeSuite } from "./store.tck.ts";
import { commit, enqueue, load, mail } from "./store-ops.ts";

async function openMemory(): Promise<OpenStore> {
  const engine = new MemoryEngine();
  return {
    engine,
    paths: () => engine.paths(),
    close: async () => {},
  };
}

const newFolder = () => mkdtempSync(join(tmpdir(), "coppice-store-"));

function openIn(folder: string): OpenStore {
  const engine = openSqlite(folder, { durability: "committed" });
  return {
    engine,
    paths: () => engine.paths(),
    reopen: async () => {
      engine.close();
      return openIn(folder);
    },
    close: async () => {
      engine.close();
      rmSync(folder, { recursive: true });
    },
    // A body that is no bytes: SQLite cannot bind it.
    poison: { kind: "enqueue", mail: mail("/a", 0, { body: {} as never }) },
  };
}

storeSuite("memory", openMemory);
storeSuite("sqlite", async () => openIn(newFolder()));

describe("dead letters of a SQLite store", () => {
  let folder: string;
  let engine: SqliteEngine;
  beforeEach(() => {
    folder = newFolder();
    engine = openSqlite(folder, { durability: "committed" });
    const state = new Uint8Array([0]);
    engine.execute([commit("/a", 1, { created: { args: state }, state })]);
  });
  afterEach(() => {
    engine.close();
    rmSync(folder, { recursive: true });
  });

  /** The newest letters, oldest first. */
  function buried(max = DEAD_LETTERS_MAX): readonly StoredDead[] {
    const [answer] = engine.execute([{ kind: "letters", path: null, id: null, max }]);
    return answer?.kind === "letters" ? answer.letters : [];
  }

  /** Sends a letter and buries it. @returns its number */
  function bury(body: unknown): number {
    const [answer] = engine.execute([enqueue("/a", body)]);
    const seq = answer?.kind === "enqueued" ? answer.seq : 0;
    const dead = [{ seq, reason: { tag: "normal" } as const }];
    engine.execute([commit("/a", 1, { acks: [seq], dead })]);
    return seq;
  }

  test("the newest are kept, up to a number", () => {
    const extra = 5;
    const count = DEAD_LETTERS_MAX + extra;
    engine.execute(Array.from({ length: count }, (_, n) => enqueue("/a", n)));
    const acks = Array.from({ length: count }, (_, n) => n + 1);
    const dead = acks.map((seq) => ({ seq, reason: { tag: "normal" } as const }));
    engine.execute([commit("/a", 1, { acks, dead })]);
    const kept = buried(2 * count);
    expect([kept.length, kept[0]?.mail.seq, kept.at(-1)?.mail.seq]).toEqual([
      DEAD_LETTERS_MAX,
      extra + 1,
      count,
    ]);
    expect(Math.abs(Date.now() - (kept[0]?.at ?? 0))).toBeLessThan(60_000);
    bury("one more");
    expect(buried(2 * count)[0]?.mail.seq).toBe(extra + 2);
    expect(buried(3).map((letter) => letter.mail.seq)).toEqual([count - 1, count, count + 1]);
  });

  test("and up to a size", () => {
    // The encoding adds a few bytes, so that exactly eight of these fit.
    const body = new Uint8Array(DEAD_BYTES_MAX / 8 - 64);
    const seqs = Array.from({ length: 10 }, () => bury(body));
    const kept = buried().map((letter) => letter.mail.seq);
    expect(kept).toEqual(seqs.slice(-8));
    const large = bury(new Uint8Array(DEAD_BYTES_MAX + 1));
    expect(buried().map((letter) => letter.mail.seq)).toEqual([large]);
    const last = bury("small");
    expect(buried().map((letter) => letter.mail.seq)).toEqual([last]);
  });

  test("and up to an age: the old ones go with the next letter", () => {
    bury("old");
    const db = new DatabaseSync(join(folder, "coppice.db"));
    db.prepare("UPDATE dead SET at = at - ?").run(DEAD_AGE_MS + 1);
    db.close();
    const young = bury("young");
    expect(buried().map((letter) => letter.mail.seq)).toEqual([young]);
  });

  test("the epoch rises with every owner, not with readers", () => {
    const first = engine.epoch;
    engine.execute([load("/a", 1)]);
    const reader = openSqlite(folder, { durability: "flushed", readOnly: true });
    expect(reader.epoch).toBe(first);
    reader.close();
    engine.close();
    engine = openSqlite(folder, { durability: "flushed" });
    expect(engine.epoch).toBe(first + 1);
  });
});
