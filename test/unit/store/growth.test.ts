// States that grow: what a SQLite store writes of them, and what it reads again.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decode, encode } from "../../../src/store/codec.ts";
import { openSqlite, type SqliteEngine } from "../../../src/store/sqlite.ts";
import type { StoredActor } from "../../../src/store/store.ts";
import { commit, forget, load } from "../../tck/store-ops.ts";

let folder: string;
let engine: SqliteEngine;
const open = () => {
  engine = openSqlite(folder, { durability: "committed" });
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-growth-"));
  open();
});
afterEach(() => {
  engine.close();
  rmSync(folder, { recursive: true });
});

const write = (path: string, state: unknown, more: Parameters<typeof commit>[2] = {}) =>
  engine.execute([commit(path, 1, { state: encode(state), ...more })]);
const born = (path: string, state: unknown) =>
  write(path, state, { created: { args: encode(null) } });
function stored(path: string): StoredActor | null {
  const [answer] = engine.execute([load(path, 0)]);
  return answer?.kind === "loaded" ? answer.stored : null;
}
const stateOf = (path: string) => decode(stored(path)?.state as Uint8Array);
const patches = () => {
  const db = new DatabaseSync(join(folder, "coppice.db"), { readOnly: true });
  const { count } = db.prepare("SELECT count(*) AS count FROM patch").get() as { count: number };
  db.close();
  return count;
};

/** Letters that do not repeat: nothing is written less because it is always the same. */
function noise(seed: number, size: number): string {
  let state = seed;
  const letter = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 32 + (state >>> 24) / 2.7;
  };
  return Buffer.from(Uint8Array.from({ length: size }, letter)).toString("latin1");
}

test("1,000 turns up to 2 MB: less than three times the unique bytes is written", () => {
  let written = 0;
  const turns: { role: string; text: string }[] = [];
  const state = () => ({ tokens: turns.length * 31, turns, updated: `turn ${turns.length}` });
  born("/a", state());
  for (let n = 0; n < 1_000; n++) {
    turns.push({ role: n % 2 ? "user" : "model", text: noise(n, 2_000) });
    write("/a", state());
    if (n % 97 === 0) {
      // Also by an engine that remembers nothing.
      engine.close();
      const before = engine.stateBytesWritten;
      open();
      written += before;
    }
  }
  written += engine.stateBytesWritten;
  const unique = encode(state()).length;
  expect(unique).toBeGreaterThan(2_000_000);
  expect(written / unique, `${written} of ${unique}`).toBeLessThan(3);
  expect(stateOf("/a")).toEqual(state());
});
test("a state that fits a page is written whole, and stays one row", () => {
  born("/a", { n: 0, filler: "x".repeat(3_000) });
  for (let n = 1; n < 50; n++) write("/a", { n, filler: "x".repeat(3_000) });
  expect(patches()).toBe(0);
  expect(engine.stateBytesWritten).toBeGreaterThan(50 * 3_000);
});

test("large, changed, small, large again; version and state are of the same commit", () => {
  const large = (n: number) => ({ n, filler: noise(1, 30_000) });
  born("/a", large(0));
  write("/a", large(1), { version: 2 });
  write("/a", large(2), { version: 3 });
  expect([patches(), stored("/a")?.version, stateOf("/a")]).toEqual([2, 3, large(2)]);
  write("/a", { n: 3, filler: "" }, { version: 4 });
  expect([patches(), stored("/a")?.version, stateOf("/a")]).toEqual([0, 4, { n: 3, filler: "" }]);
  write("/a", large(4));
  write("/a", large(5));
  expect([patches(), stateOf("/a")]).toEqual([1, large(5)]);
  engine.close();
  open();
  expect(stateOf("/a")).toEqual(large(5));
  write("/a", large(6));
  expect([patches(), stateOf("/a")]).toEqual([2, large(6)]);
});

test("a transaction that fails leaves no memory of what it wrote", () => {
  const large = (n: number) => ({ n, filler: noise(1, 30_000) });
  born("/a", large(0));
  write("/a", large(1));
  const bad = { kind: "enqueue", mail: { to: "/a", body: {} } } as never;
  const op = commit("/a", 1, { state: encode({ ...large(2), more: noise(2, 5_000) }) });
  expect(() => engine.execute([op, bad])).toThrow();
  write("/a", large(3));
  expect(stateOf("/a")).toEqual(large(3));
});

test("forgotten and created again, nothing of the old state is left", () => {
  const large = (n: number) => ({ n, filler: noise(1, 30_000) });
  for (const how of ["forget", "create"]) {
    born("/a", large(0));
    write("/a", large(1));
    expect(patches()).toBe(1);
    if (how === "forget") engine.execute([forget("/a")]);
    born("/a", large(7));
    expect([patches(), stateOf("/a")]).toEqual([0, large(7)]);
    write("/a", large(8));
    expect(stateOf("/a")).toEqual(large(8));
    engine.execute([forget("/a")]);
    expect(patches()).toBe(0);
  }
});

test("patches are bounded in number: the commit that crosses the line writes the whole", () => {
  const filler = noise(1, 100_000);
  const large = (n: number) => ({ n, filler });
  born("/a", large(0));
  const counts = new Set<number>();
  for (let n = 1; n <= 1_100; n++) {
    write("/a", large(n));
    if (n % 100 === 0) counts.add(patches());
  }
  expect(Math.max(...counts)).toBe(1_000);
  expect(Math.min(...counts)).toBeLessThan(100);
  expect(stateOf("/a")).toEqual(large(1_100));
});

test("more large states than are remembered", () => {
  const filler = noise(1, 1_000_000);
  const large = (actor: number, n: number) => ({ n, filler: `${actor} ${filler}` });
  for (let actor = 0; actor < 40; actor++) born(`/p/${actor}`, large(actor, 0));
  const before = engine.stateBytesWritten;
  for (let actor = 0; actor < 40; actor++) write(`/p/${actor}`, large(actor, 1));
  expect(engine.stateBytesWritten - before).toBeLessThan(40 * 200);
  for (const actor of [0, 20, 39]) expect(stateOf(`/p/${actor}`)).toEqual(large(actor, 1));
});

test("snapshotEvery: a state is written whole at least with every nth change", () => {
  const text = noise(1, 20_000);
  for (const [snapshotEvery, most] of [
    [1, 0],
    [2, 1],
    [5, 4],
  ] as const) {
    const path = `/every${snapshotEvery}`;
    born(path, { text, n: 0 });
    const kept: number[] = [];
    for (let n = 1; n <= 20; n++) {
      write(path, { text, n }, { snapshotEvery });
      kept.push(patches());
      expect(stateOf(path)).toEqual({ text, n });
    }
    expect(Math.max(...kept), `every ${snapshotEvery}`).toBe(most);
    engine.execute([forget(path)]);
  }
});
