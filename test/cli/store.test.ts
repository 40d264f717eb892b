// `coppice store`: what a data folder holds, what is wrong with it, and giving room back.

import * as fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodesFolder } from "../../src/observe/nodes.ts";
import { encode } from "../../src/store/codec.ts";
import { openSqlite, type SqliteEngine } from "../../src/store/sqlite.ts";
import { commit, enqueue, forget, load } from "../tck/store-ops.ts";
import { cli, errorOf, FakeNode, ownFolder, serve, supervisorRow } from "./stage.ts";

const own = ownFolder();
let data: string;
let engine: SqliteEngine;

const born = (path: string, state: unknown) =>
  commit(path, 1, { created: { args: encode(null) }, state: encode(state) });
const large = (n: number) => ({ n, filler: Array.from({ length: 2_000 }, (_, i) => i * 7_919) });

beforeEach(() => {
  data = join(own.path, "data");
  engine = openSqlite(data, { durability: "committed" });
  engine.execute([load("/ghost", 1), born("/a", "small"), born("/p/b", large(0))]);
  engine.execute([commit("/p/b", 1, { state: encode(large(1)) })]);
  engine.execute(Array.from({ length: 5 }, (_, n) => enqueue("/a", n)));
  const reason = { tag: "killed", by: "operator" } as const;
  const steps = [{ seq: 2, index: 0, name: "s", answer: encode({ ok: true, value: 1 }) }];
  engine.execute([commit("/a", 1, { acks: [1], dead: [{ seq: 1, reason }], steps })]);
});
afterEach(() => engine.close());

const run = (...args: string[]) => cli(["store", ...args, "--data", data]);
const json = async (...args: string[]) => JSON.parse((await run(...args, "--json")).out);

test("stat counts what there is, beside the node that has it", async () => {
  const stat = await json("stat");
  const counts = Object.entries(stat.holds).map(([name, held]) => [
    name,
    (held as { count: number }).count,
  ]);
  expect(Object.fromEntries(counts)).toEqual({
    ...{ actors: 2, states: 2, patches: 1, mail: 4, steps: 1, timers: 0, answers: 0, dead: 1 },
  });
  expect(stat).toMatchObject({ epoch: 1, owner: { pid: process.pid } });
  expect(stat.longestMailbox).toEqual({ path: "/a", count: 4 });
  expect(stat.largestState).toMatchObject({ path: "/p/b" });
  expect(Date.now() - Date.parse(stat.oldestDead)).toBeLessThan(60_000);
  const { out } = await run("stat");
  for (const line of [/^actors +2, \d+ bytes$/m, /^timers +0$/m, /^longest +4 messages, \/a$/m]) {
    expect(out).toMatch(line);
  }
});

test("verify reads everything, beside the node that has it", async () => {
  const outcome = await run("verify");
  expect([outcome.status, outcome.out]).toEqual([0, "11 values read, 0 problems\n"]);
});

test("without --data: the folder .coppice, else that of the only node which was started here", async () => {
  const stat = () => cli(["store", "stat", "--json"], { cwd: own.path });
  expect(errorOf(await stat()).at).toBe(join(own.path, ".coppice", "coppice.db"));
  const started = async (nth: number, folder: string) => {
    await serve(new FakeNode([supervisorRow("/desk")]), { app: "/apps/desk.ts", data: folder });
    const entry = join(nodesFolder(), `${process.pid}-${nth}.json`);
    const said = JSON.parse(fs.readFileSync(entry, "utf8"));
    fs.writeFileSync(entry, JSON.stringify({ ...said, cwd: own.path }));
  };
  await started(1, data);
  expect(JSON.parse((await stat()).out).file).toBe(join(data, "coppice.db"));
  await started(2, own.path);
  expect((await stat()).out).toBe("");
});

describe("verify finds", () => {
  /** Spoils the store behind the engine's back. */
  const spoil = (sql: string, ...values: Uint8Array[]) => {
    const db = new DatabaseSync(join(data, "coppice.db"));
    db.prepare(sql).run(...values);
    db.close();
  };
  // Half of a text, which says that it is longer.
  const half = encode("a text of some length").subarray(0, 9);
  const values = [
    ["actor", "args"],
    ["state", "body"],
    ["patch", "body"],
    ["mail", "body"],
    ["step", "answer"],
    ["dead", "body"],
  ] as const;

  test.each(values)("a value of %s that cannot be decoded", async (table, column) => {
    spoil(`UPDATE ${table} SET ${column} = ?`, half);
    const { status, out } = await run("verify");
    expect([status, out]).toEqual([1, expect.stringMatching(/cannot be decoded/)]);
    expect((await json("verify")).problems).toBeGreaterThan(0);
  });

  test.each([
    ["a patch made for another state", "UPDATE state SET body = ?", encode(large(3).filler)],
    ["a row of nobody", "UPDATE mail SET actor = 99", null],
    ["an actor without a state", "DELETE FROM state WHERE actor = 2", null],
    ["a number from the future", "UPDATE mail SET seq = seq + 100", null],
    ["a reason that is no JSON", "UPDATE dead SET reason = '{'", null],
  ])("%s", async (_, sql, value) => {
    spoil(sql, ...(value === null ? [] : [value]));
    const { status, out } = await run("verify");
    expect([status, out]).toEqual([1, expect.stringMatching(/[1-9]\d* problems?\n$/)]);
  });

  test("a page that is damaged, in a file larger than a start looks through", async () => {
    engine.execute(Array.from({ length: 300 }, (_, n) => born(`/q/${n}`, `${n} `.repeat(400))));
    engine.close();
    const file = fs.openSync(join(data, "coppice.db"), "r+");
    fs.writeSync(file, new Uint8Array(4_096).fill(0xa5), 0, 4_096, 30 * 4_096);
    fs.closeSync(file);
    const { status, out, err } = await run("verify");
    expect([status, out + err]).toEqual([1, expect.stringMatching(/page|malformed|damaged/)]);
  });

  test("more problems than it tells", async () => {
    engine.execute(Array.from({ length: 300 }, () => enqueue("/a", "x")));
    spoil("UPDATE mail SET body = ?", half);
    const { out } = await run("verify");
    expect(out).toMatch(/… 204 more\n\d+ values read, 304 problems\n$/);
  });
});

test("compact gives room back, when nobody has the folder", async () => {
  engine.execute(Array.from({ length: 300 }, (_, n) => born(`/q/${n}`, `${n} `.repeat(5_000))));
  engine.execute(Array.from({ length: 300 }, (_, n) => forget(`/q/${n}`)));
  const refused = await run("compact", "--json");
  expect([refused.status, errorOf(refused).code]).toEqual([1, "E_NODE_RUNNING"]);
  engine.close();
  const { bytesBefore, bytesAfter } = await json("compact");
  expect(bytesBefore / bytesAfter).toBeGreaterThan(10);
  expect((await run("verify")).out).toBe("11 values read, 0 problems\n");
  engine = openSqlite(data, { durability: "committed" });
  expect(engine.waiting("/a")).toHaveLength(4);
});

test("a running node gives room back by itself", () => {
  const bodies = Array.from({ length: 600 }, (_, n) => born(`/q/${n}`, new Uint8Array(50_000)));
  for (const each of bodies) engine.execute([each]);
  engine.execute(Array.from({ length: 600 }, (_, n) => forget(`/q/${n}`)));
  const pages = () => {
    const db = new DatabaseSync(join(data, "coppice.db"), { readOnly: true });
    const { page_count: count } = db.prepare("PRAGMA page_count").get() as { page_count: number };
    db.close();
    return count;
  };
  const before = pages();
  for (let n = 0; n < 2_100; n++) engine.execute([enqueue("/nobody", n)]);
  expect(before - pages()).toBeGreaterThanOrEqual(2_000);
});

test("a folder without a store stays one; what is not understood is said", async () => {
  const empty = join(own.path, "empty");
  fs.mkdirSync(empty);
  for (const verb of ["stat", "verify", "compact"]) {
    const outcome = await cli(["store", verb, "--data", empty, "--json"]);
    expect([outcome.status, errorOf(outcome).code]).toEqual([1, "E_STORE_IO"]);
  }
  expect(fs.readdirSync(empty)).toEqual([]);
  for (const line of [["store"], ["store", "melt"], ["store", "stat", "verify"]]) {
    expect((await cli(line)).status).toBe(2);
  }
  // Without --data it is the folder a node uses if nobody says otherwise.
  const { err } = await cli(["store", "stat"], { cwd: own.path });
  expect(err).toContain(join(own.path, ".coppice"));
});
