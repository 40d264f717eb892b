// Packages that do things while they are imported, in machines: what they did is in the report, and
// what they are is no danger to it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ActorError } from "coppice";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesToImport, loadingFailed } from "../../examples/audit/loading.ts";
import type { Loading, Report } from "../../examples/audit/model.ts";
import { deedsOf } from "../../examples/audit/summary.ts";
import { hostTiers } from "../tck/sandbox-host.ts";

const MAIN = new URL("../../examples/audit/main.ts", import.meta.url).pathname;
const machines = (await hostTiers()).find(({ tier }) => tier === "microvm-tcg");

const PACKAGES: Record<string, string> = {
  good: "module.exports = 1",
  dependent: 'if (require("good") !== 1) throw new Error("not good")',
  writes: 'require("fs").writeFileSync("/scratch/loot.txt", "x")',
  spawns:
    'require("child_process").execFileSync("sh", ["-c", "id; (sleep 1000 >/dev/null 2>&1 &); exit 0"])',
  calls: 'require("net").connect(80, "169.254.169.254").on("error", () => {})',
  throws: 'throw new Error("not today")',
  exits: "process.exit(0)",
  floods: 'console.log("x".repeat(1e6))',
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-import-"));
  writeFileSync(join(folder, "package.json"), '{"name":"victim"}');
  for (const [name, code] of Object.entries(PACKAGES)) {
    const at = join(folder, "node_modules", name);
    mkdirSync(join(at, "test"), { recursive: true });
    const dependencies = name === "dependent" ? { good: "1" } : {};
    const manifest = { name, version: "1.0.0", main: "index.js", dependencies };
    writeFileSync(join(at, "package.json"), JSON.stringify(manifest));
    writeFileSync(join(at, "index.js"), code);
    writeFileSync(join(at, "README.md"), "# not needed");
    writeFileSync(join(at, "test", "x.js"), "not needed");
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a package goes into the machine with what it needs", () => {
  expect(Object.keys(filesToImport(folder, "node_modules/dependent")).sort()).toEqual([
    "node_modules/dependent/index.js",
    "node_modules/dependent/package.json",
    "node_modules/good/index.js",
    "node_modules/good/package.json",
  ]);
});

test("an import that does not end well is a row that says so", () => {
  const ended = (code: ConstructorParameters<typeof ActorError>[0], fact: string) =>
    loadingFailed(new ActorError(code, fact));
  expect(ended("timeout", "after 60 s").outcome).toBe("hangs");
  expect(ended("E_TOOL_KILLED", "memory").outcome).toBe("killed");
  expect(ended("E_TOOL_HOSTILE", "frames").outcome).toBe("attacks");
  expect(ended("E_TOOL_FAILED", "with 1: node:fs:2\nError: ENOSPC: no space")).toMatchObject({
    outcome: "failed",
    why: "Error: ENOSPC: no space",
  });
  // That no machine began, or no tool was granted, says nothing about the package.
  for (const code of ["E_TOOL_DENIED", "E_SANDBOX_MISSING"] as const) {
    expect(ended(code, "no machine began")).toMatchObject({
      outcome: "skipped",
      why: "could not be tried: no machine began",
    });
  }
  expect(deedsOf(ended("timeout", "after 60 s"))).toEqual(["after 60 s"]);
  expect(deedsOf(null)).toEqual([]);
});

describe.skipIf(machines?.missing !== null)("in machines", () => {
  test("what each package did is in the report", { timeout: 400_000 }, () => {
    const out = join(folder, "out");
    const args = [folder, "--import-seconds", "900", "--data", join(folder, "data"), "--out", out];
    execFileSync(process.execPath, ["--conditions=coppice-source", MAIN, ...args], {
      stdio: "pipe",
    });
    const report: Report = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
    expect(report.run.importing).toContain("in a microVM of its own");
    const of = (name: string) =>
      report.packages.find((each) => each.name === name)?.loading as Loading;
    /** Shows the whole row when it is another than expected. */
    const row = (name: string, loading: Partial<Loading>) =>
      expect(of(name), JSON.stringify(of(name))).toMatchObject(loading);
    const quiet = { wrote: [], ran: [], reached: 0, leftRunning: 0, printed: "" };
    // What Node itself may open while it waits, as /proc/stat, is its own.
    row("good", { outcome: "loaded", why: "", ...quiet });
    row("dependent", { outcome: "loaded", why: "", ...quiet });
    row("writes", { outcome: "loaded", wrote: ["/scratch/loot.txt"] });
    row("spawns", { ran: ["/usr/bin/busybox"], leftRunning: 1 });
    expect(of("calls").reached, JSON.stringify(of("calls"))).toBeGreaterThan(0);
    row("throws", { outcome: "failed", why: "threw: not today" });
    row("exits", { outcome: "failed", why: "ended the process" });
    row("floods", { outcome: "killed" });
    const text = readFileSync(join(out, "report.md"), "utf8");
    expect(text).toContain("wrote /scratch/loot.txt");
    expect(text).toContain("Each package was imported in a microVM");
  });
});
