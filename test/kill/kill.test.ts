// A short run of `npm run kill`: the first crash points, and random moments between them.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { whyNoRedis } from "../redis/server.ts";
import { isFlawless, killOften } from "./conductor.ts";
import { Stage } from "./stage.ts";

test("the ledger under 15 kills: nothing lost, nothing twice", async () => {
  const lines: string[] = [];
  const { signal } = new AbortController();
  const options = { store: "sqlite", kills: 15, seed: 1, signal } as const;
  const report = await killOften({ ...options, progress: (line) => lines.push(line) });
  expect(isFlawless(report), JSON.stringify(report)).toBe(true);
  expect([report.kills, report.atPoints, lines]).toEqual([15, 5, ["10 of 15 kills"]]);
  expect(report.messages).toBeGreaterThan(100);
  expect(report.recoveryP50Ms).toBeGreaterThan(0);
}, 300_000);

test.skipIf((await whyNoRedis()) !== null)(
  "the same on Redis, under 4 kills",
  async () => {
    const { signal } = new AbortController();
    const options = { store: "redis", kills: 4, seed: 2, signal, progress: () => {} } as const;
    const report = await killOften(options);
    expect(isFlawless(report), JSON.stringify(report)).toBe(true);
    expect([report.kills, report.atPoints]).toEqual([4, 2]);
  },
  300_000,
);

test.skipIf((await whyNoRedis()) !== null)(
  "two nodes on one Redis, under 10 kills and a stop: each agent goes on elsewhere",
  async () => {
    const { signal } = new AbortController();
    const options = { store: "redis", nodes: 2, kills: 10, seed: 3, signal } as const;
    const report = await killOften({ ...options, progress: () => {} });
    expect(isFlawless(report), JSON.stringify(report)).toBe(true);
    expect(report.kills).toBeGreaterThanOrEqual(10);
    expect([report.nodes, report.stops]).toEqual([2, 1]);
    expect(report.messages).toBeGreaterThan(100);
    expect(report.recoveryP99Ms).toBeGreaterThan(0);
  },
  600_000,
);

test.skipIf((await whyNoRedis()) !== null)(
  "a campaign that fails keeps what Redis has, and names the dead letters",
  async () => {
    const { signal } = new AbortController();
    const lines: string[] = [];
    const stage = new Stage({
      ...{ store: "redis", nodes: 2, kills: 1, seed: 1, signal },
      progress: (line) => lines.push(line),
    });
    await stage.open();
    const life = stage.start();
    await life.child.next("up");
    life.child.process.send("lose");
    await stage.check([life]);
    await stage.close(true);
    expect(stage.faults).toEqual(["1 dead letters"]);
    expect(lines[0]).toMatch(/^dead letter: begin from .+ to \/.+-none: no_actor$/);
    const [, folder = ""] = /^the store is kept: (.*)$/.exec(lines.at(-1) ?? "") ?? [];
    expect(readdirSync(folder)).toContain("appendonlydir");
    rmSync(folder, { recursive: true });
  },
  300_000,
);

test("its command line: help, and what it does not understand", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [
      "--conditions=coppice-source",
      join(import.meta.dirname, "run.ts"),
      ...args,
    ]);
  const { status, stdout } = run("--help");
  expect([status, String(stdout)]).toEqual([0, expect.stringContaining("--kills N")]);
  for (const args of [
    ["--kills", "0"],
    ["--kills", "x"],
    ["--store", "tape"],
    ["--kils", "1"],
    ["--nodes", "9", "--store", "redis"],
    ["--nodes", "2", "--store", "sqlite"],
  ]) {
    const bad = run(...args);
    expect([bad.status, String(bad.stdout)], args.join(" ")).toEqual([2, ""]);
    expect(String(bad.stderr)).toContain("Remedy: npm run kill -- --help");
  }
});
