// Stored data of every released format version, kept in test/fixtures, must load. Each folder was
// written by the version named; none is ever changed.
//
//   store-1: 0.1.0. Behaviour "clerk", state version 2: /desk/clerk with two letters, one of them in
//   flight with a recorded step, one dead letter; /desk/team with #1 and zoe, who has a letter.

import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decode } from "../../src/store/codec.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { SCHEMA_VERSION, UPGRADES } from "../../src/store/sqlite-schema.ts";
import { commit, fire, list, load, timer } from "./store-ops.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
const released = readdirSync(FIXTURES).filter((name) => /^store-\d+$/.test(name));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-released-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (readOnly = false) => openSqlite(folder, { durability: "committed", readOnly });
const take = (name: string) =>
  copyFileSync(join(FIXTURES, name, "coppice.db"), join(folder, "coppice.db"));

/** Name, type, null, default and key of each column of each table, and the indexes. */
function shape(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema ORDER BY name").all();
    return tables.map(({ name }) => [
      name,
      db.prepare(`PRAGMA table_xinfo(${JSON.stringify(name)})`).all(),
      db.prepare(`PRAGMA index_xinfo(${JSON.stringify(name)})`).all(),
    ]);
  } finally {
    db.close();
  }
}

test("every version but this one has a fixture and a step to the next", () => {
  const versions = Array.from({ length: SCHEMA_VERSION - 1 }, (_, n) => n + 1);
  expect(released.sort()).toEqual(versions.map((version) => `store-${version}`));
  expect(Object.keys(UPGRADES)).toEqual(versions.map((version) => String(version + 1)));
});

test.each(released)("%s is brought to this version, as if it had been made by it", (name) => {
  take(name);
  open().close();
  const fresh = mkdtempSync(join(tmpdir(), "coppice-fresh-"));
  openSqlite(fresh, { durability: "committed" }).close();
  const [found, made] = [folder, fresh].map((each) => shape(join(each, "coppice.db")));
  rmSync(fresh, { recursive: true });
  expect(found).toEqual(made);
});

test.each(released)("%s has everything it had", (name) => {
  take(name);
  const engine = open();
  const [clerk, team, zoe] = engine.execute([
    load("/desk/clerk", 0),
    list("/desk/team"),
    load("/desk/team/zoe", 0),
  ]);
  if (clerk?.kind !== "loaded" || clerk.stored === null) throw new Error("no clerk");
  const { args, state, mail, steps, ...rest } = clerk.stored;
  expect(rest).toMatchObject({ behaviour: "clerk", version: 2, timers: [], watermark: 4 });
  expect(rest.progress).toEqual({ seq: 1, effects: 2 });
  expect(decode(args)).toEqual({ id: "/desk/clerk" });
  expect(decode(state)).toEqual({
    text: "é",
    list: [1, 2.5, null],
    map: new Map([["a", new Set([1n])]]),
    at: new Date(0),
    bytes: new Uint8Array([1, 2, 3]),
  });
  expect(mail.map(({ seq, attempts, body }) => [seq, attempts, decode(body)])).toEqual([
    [1, 0, "first"],
    [2, 1, "second"],
  ]);
  expect(steps.map(({ name, answer }) => [name, decode(answer)])).toEqual([
    ["price", { ok: true, value: 42 }],
  ]);
  expect(team?.kind === "listed" && team.children.map(({ id }) => id)).toEqual(["#1", "zoe"]);
  const letters = zoe?.kind === "loaded" ? (zoe.stored?.mail ?? []) : [];
  expect(letters.map(({ from, body }) => [from, decode(body)])).toEqual([
    ["/desk/clerk", { hello: "zoe" }],
  ]);
  const [dead] = engine.execute([{ kind: "letters", path: null, id: null, max: 9 }]);
  expect(dead).toMatchObject({ total: 1, letters: [{ mail: { to: "/desk/clerk", seq: 3 } }] });
  // And it can be written to, what is new included.
  expect(
    engine.execute([commit("/desk/clerk", 7, { timers: [timer()] }), fire("/desk/clerk", 7)]),
  ).toMatchObject([{ fenced: false }, { seq: 5 }]);
  engine.close();
});

test("somebody who only looks does not bring it up to date: the owner does", () => {
  take("store-1");
  expect(() => open(true)).toThrow(expect.objectContaining({ code: "E_STORE_VERSION" }));
  open().close();
  const reader = open(true);
  expect(reader.paths()).toEqual(["/desk/clerk", "/desk/team/#1", "/desk/team/zoe"]);
  reader.close();
});
