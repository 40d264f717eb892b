/** The record of decisions: what was changed shows, what was cut in half is mended, files turn. */
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AppendFile } from "../../../src/tool/append.ts";
import { Audit, type AuditRecord, chained, readAudit } from "../../../src/tool/audit.ts";
import { cli } from "../../cli/stage.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-audit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (n: number): AuditRecord => ({
  path: `/desk/agent${n}`,
  tool: "pay",
  key: `/desk/agent${n}/${n}/0`,
  decision: n % 3 === 0 ? "deny" : "allow",
  why: n % 3 === 0 ? 'so "they" say\n' : "",
  by: "policy",
});

async function written(count: number, fileBytes?: number): Promise<void> {
  const audit = new Audit(folder, fileBytes);
  const done = Array.from({ length: count }, (_, n) => audit.append(record(n)));
  await Promise.all(done);
  await audit.close();
}

const file = () => join(folder, "audit-000001.jsonl");
const edit = (change: (lines: string[]) => string[]) =>
  writeFileSync(
    file(),
    `${change(readFileSync(file(), "utf8").trimEnd().split("\n")).join("\n")}\n`,
  );

test("the last hash stands for all lines before it", () => {
  const said = { path: "/a", tool: "pay", key: "k", decision: "allow", by: "policy" } as const;
  const last = (why: string) => {
    const first = chained({ ...said, why }, "2026-01-01", { seq: 0, hash: "0".repeat(64) });
    return chained({ ...said, why: "same" }, "2026-01-02", first).hash;
  };
  expect(last("one")).toBe(last("one"));
  // Else a line could be changed together with the `prev` of the next, and the head be the same.
  expect(last("one")).not.toBe(last("another"));
});

describe("a record", () => {
  test("holds together over restarts and files", async () => {
    await written(50, 2_000);
    await written(50, 2_000);
    const { lines, fault, files, dropped, head } = readAudit(folder);
    expect([lines.length, fault, dropped]).toEqual([100, null, 0]);
    expect(files).toBeGreaterThan(5);
    expect(lines.map((each) => each.seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(head.hash).toBe(lines.at(-1)?.hash);
    expect(lines[3]).toMatchObject(record(3));
  });

  test("keeps a bounded number of files, and says what is gone", async () => {
    await written(120, 300);
    const { lines, fault, dropped, files } = readAudit(folder);
    expect([fault, files]).toEqual([null, 64]);
    expect(dropped).toBe(120 - lines.length);
    expect(dropped).toBeGreaterThan(0);
  });

  const swap = (lines: string[]) => [...lines.slice(0, 3), lines[4], lines[3], ...lines.slice(5)];
  test.each<[string, (lines: string[]) => string[], number]>([
    ["changed", (lines) => lines.map((each) => each.replace('agent5"', 'agent6"')), 6],
    ["taken out", (lines) => lines.toSpliced(2, 1), 3],
    ["put in twice", (lines) => lines.toSpliced(4, 0, lines[4] as string), 6],
    ["swapped", (lines) => swap(lines) as string[], 4],
    ["made up", (lines) => lines.with(7, '{"seq":8}'), 8],
    ["no JSON", (lines) => lines.with(1, "nothing"), 2],
  ])("a line that was %s is found, and no node goes on from there", async (_, change, line) => {
    await written(10);
    edit(change);
    expect(readAudit(folder).fault?.at).toBe(`${file()}:${line}`);
    expect(() => new Audit(folder)).toThrow(expect.objectContaining({ code: "E_AUDIT_BROKEN" }));
  });

  test("a half line at the end, as a kill leaves it, is no fault; the next node goes on", async () => {
    await written(3);
    appendFileSync(file(), '{"seq":4,"at":"20');
    expect(readAudit(folder).fault).toBeNull();
    await written(2);
    expect(readAudit(folder)).toMatchObject({ fault: null, head: { seq: 5 } });
  });

  test("a half line in the middle of the record is one", async () => {
    await written(30, 2_000);
    const [first = ""] = readdirSync(folder).sort();
    appendFileSync(join(folder, first), "{");
    expect(readAudit(folder).fault?.what).toMatch(/middle of a line|no line/);
  });
});

describe("coppice audit", () => {
  const run = (...args: string[]) => cli(["audit", ...args, "--data", folder]);

  test("prints the end, and whether it is whole", async () => {
    await written(10);
    const { out, status } = await run("--limit", "2");
    expect(status).toBe(0);
    expect(out).toMatch(
      /^9 .*\n10 .*deny.*agent9.*\nwhole: 10 lines in 1 file; head [0-9a-f]{64}\n$/,
    );
    const json = JSON.parse((await run("verify", "--json")).out);
    expect(json).toMatchObject({ whole: true, total: 10, head: { seq: 10 } });
    expect(json).not.toHaveProperty("lines");
  });

  test("a broken one ends with 1 and its place; so does one whose kept head is gone", async () => {
    await written(10);
    const { hash } = readAudit(folder).head;
    expect((await run("verify", "--head", hash)).status).toBe(0);
    edit((lines) => lines.slice(0, -1));
    expect((await run("verify")).status).toBe(0);
    const cut = await run("verify", "--head", hash);
    expect([cut.status, cut.out]).toEqual([1, expect.stringContaining("is not in it any more")]);
    edit((lines) => lines.map((each) => each.replace('"by":"policy"', '"by":"nobody"')));
    const { out, status } = await run("verify");
    expect([status, out]).toEqual([1, expect.stringContaining(`BROKEN at ${file()}:1`)]);
  });

  test("a word it does not know, and a folder that is none, are E_USAGE", async () => {
    expect((await run("check")).status).toBe(2);
    expect((await cli(["audit", "--data", join(folder, "none")])).status).toBe(2);
  });
});

test("a file that cannot grow tells whoever waits, and writes nothing behind the hole", async () => {
  const growing = new AppendFile(join(folder, "x"));
  await growing.append("one");
  await growing.close();
  await expect(growing.append("two")).rejects.toThrow();
  await expect(growing.append("three")).rejects.toThrow();
  expect(readFileSync(join(folder, "x"), "utf8")).toBe("one\n");
});
