/**
 * Would the simulator notice? Each broken build of sabotage.ts is made in a folder of its own and
 * simulated; the named check must be among those that fail, within the seeds of `npm test`.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SABOTAGES, type Sabotage } from "./sabotage.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Most are noticed within twenty; these many are simulated at a time, up to the seeds of npm test. */
const STEP = 100;
const SEEDS = 2_000;

/** A copy of the source with one line changed. */
function build({ name, file, find, replace }: Sabotage): string {
  const folder = mkdtempSync(join(tmpdir(), "coppice-sabotage-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const path = join(folder, "src", file);
  const text = readFileSync(path, "utf8");
  expect(text.split(find).length, `${name}: the line must stand in ${file} once`).toBe(2);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  return folder;
}

/** Names of the checks that failed. */
function simulate(folder: string, from: number, always: readonly string[]): Promise<Set<string>> {
  const main = join(folder, "src/cli/main.ts");
  const faults = always.flatMap((each) => ["--with", each]);
  const args = ["sim", "--seeds", String(STEP), "--seed", String(from), ...faults];
  const child = spawn(process.execPath, ["--conditions=coppice-source", main, ...args]);
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  return new Promise((resolve) => {
    child.on("close", () => {
      resolve(new Set([...out.matchAll(/^ {2}check: (.*)$/gm)].map((match) => match[1] ?? "")));
    });
  });
}

test("there are at least ten, each with a name of its own", () => {
  expect(new Set(SABOTAGES.map((each) => each.name)).size).toBeGreaterThanOrEqual(10);
});

test.each(SABOTAGES)("noticed: $name", { timeout: 600_000 }, async (sabotage) => {
  const folder = build(sabotage);
  const seen = new Set<string>();
  for (let from = 1; from <= SEEDS; from += STEP) {
    for (const check of await simulate(folder, from, sabotage.always ?? [])) seen.add(check);
    if ([...seen].some((check) => check.startsWith(sabotage.check))) return;
  }
  expect.fail(`${sabotage.check}did not notice; these did: ${[...seen].join(", ") || "none"}`);
});
