// Leases under slow, fast and skewed clocks, late and lost words, stopped and dead nodes: never two
// holders while clocks are within the margin; beyond it the token keeps the late one out (K11).

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { seeded } from "../../src/sim/random.ts";
import { Leases } from "../../src/store/redis-leases.ts";
import { type LeaseRun, type LeasesClass, LeaseWorld } from "./lease-world.ts";

const ROOT = join(import.meta.dirname, "../..");
const SEEDS = 60;

/** @returns the sums over all seeds, and the first violation */
async function live(Class: LeasesClass, wild: boolean, seeds = SEEDS): Promise<LeaseRun> {
  const sum: LeaseRun = { violation: null, taken: 0, lost: 0, refused: 0, accepted: 0 };
  for (let seed = 1; seed <= seeds && sum.violation === null; seed++) {
    const run = await new LeaseWorld(Class, seeded(seed), wild).live();
    if (run.violation !== null) sum.violation = `seed ${seed}, ${run.violation}`;
    for (const each of ["taken", "lost", "refused", "accepted"] as const) sum[each] += run[each];
  }
  return sum;
}

test("no two nodes hold a partition while their clocks are within the margin", async () => {
  const { violation, taken, lost, accepted } = await live(Leases, false);
  expect(violation).toBe(null);
  expect([taken > 10 * SEEDS, lost > SEEDS, accepted > 10 * SEEDS]).toEqual([true, true, true]);
});

test("clocks that are too slow: two may believe in one lease, and one of them commits", async () => {
  const { violation, refused, accepted } = await live(Leases, true);
  expect(violation).toBe(null);
  expect([refused > SEEDS, accepted > SEEDS]).toEqual([true, true]);
});

test("what a dead node held is taken within moments of its lease, however long that is", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lateMs = await new LeaseWorld(Leases, seeded(seed), false).failover();
    expect(lateMs, `seed ${seed}`).toBeLessThan(400);
  }
});

const SABOTAGES = [
  ["a lease is believed in to its end", " - MARGIN_MS", "", "both hold"],
  [
    "a lease counts from its answer",
    "asked + this",
    "this.#options.clock.now() + this",
    "both hold",
  ],
  [
    "nobody is told of its end",
    "if (now >= until) this.drop",
    "if (now < 0) this.drop",
    "not told",
  ],
  ["what is lost is not taken again", "else if (isOurs &&", "else if (!isOurs &&", "at the end"],
  ["it is taken while old actors run", " && !this.#ending.has(partition)", "", "with old actors"],
] as const;

test.each(SABOTAGES)("noticed: %s", async (_, find, replace, words) => {
  const folder = mkdtempSync(join(tmpdir(), "coppice-leases-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), readFileSync(join(ROOT, "package.json")));
  const path = join(folder, "src/store/redis-leases.ts");
  const text = readFileSync(path, "utf8");
  expect(text).toContain(find);
  writeFileSync(path, text.replaceAll(find, replace));
  const broken = await import(/* @vite-ignore */ pathToFileURL(path).href);
  expect((await live(broken.Leases, false)).violation).toContain(words);
});
