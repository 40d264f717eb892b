/**
 * The audit as a user runs it: the whole program in a process group of its own, killed in the
 * middle, run again, run under chaos. What it must not do is lose or repeat finished work.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MAIN = new URL("../../examples/audit/main.ts", import.meta.url).pathname;
const PACKAGES = 120;
let folder: string;
let reference: string;

interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

function begin(name: string, args: string[] = []): ChildProcess {
  const data = join(folder, `data-${name}`);
  const out = join(folder, `out-${name}`);
  const all = [MAIN, join(folder, "project"), "--data", data, "--out", out, "--no-import", ...args];
  const flags = ["--conditions=coppice-source", "--disable-warning=ExperimentalWarning"];
  return spawn(process.execPath, [...flags, ...all], { detached: true, stdio: "pipe" });
}

function end(child: ChildProcess): Promise<Run> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => (stdout += chunk));
  child.stderr?.on("data", (chunk) => (stderr += chunk));
  return new Promise((resolve) => {
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

const report = (name: string) =>
  JSON.parse(readFileSync(join(folder, `out-${name}`, "report.json"), "utf8"));
const content = (name: string) => JSON.stringify({ ...report(name), run: null });

function journal(name: string): { run: number; event: string; package: string }[] {
  const path = join(folder, `data-${name}`, "journal.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

/** Scans of packages that had been finished in the same run: there must be none. */
function scannedAgain(name: string): string[] {
  const done = new Set<string>();
  return journal(name).flatMap(({ run, event, package: about }) => {
    if (event === "done") done.add(`${run} ${about}`);
    return event === "scan" && done.has(`${run} ${about}`) ? [about] : [];
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coppice-audit-"));
  for (let index = 0; index < PACKAGES; index++) {
    const at = join(folder, "project", "node_modules", `package-${index}`);
    mkdirSync(at, { recursive: true });
    const manifest = { name: `package-${index}`, version: `1.0.${index}`, license: "MIT" };
    writeFileSync(join(at, "package.json"), JSON.stringify(manifest));
    const lines = Array.from({ length: 400 }, (_, line) => `export const v${line} = [${line}];`);
    writeFileSync(join(at, "index.mjs"), `import "node:fs";\n${lines.join("\n")}\n`);
  }
  writeFileSync(join(folder, "project", "package.json"), '{"name":"audited"}');
  const run = await end(begin("reference"));
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
  reference = content("reference");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("an undisturbed run", () => {
  test("reports every package, and a run after it starts afresh", async () => {
    expect(report("reference").packages).toHaveLength(PACKAGES);
    expect(report("reference").run).toMatchObject({
      audited: PACKAGES,
      alreadyDone: 0,
      restarts: 0,
    });
    const again = await end(begin("reference"));
    expect(again.status).toBe(0);
    expect(report("reference").run).toMatchObject({ audited: PACKAGES, alreadyDone: 0 });
    expect(content("reference")).toBe(reference);
    expect(new Set(journal("reference").map((each) => each.run))).toEqual(new Set([1, 2]));
  });
});

describe("kill -9 of the process group", () => {
  test.each([5, 40, 90])("after %i packages: it goes on, nothing twice", async (after) => {
    const name = `killed-${after}`;
    const child = begin(name);
    const closed = end(child);
    const finished = () => journal(name).filter((each) => each.event === "done").length;
    while (finished() < after && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    process.kill(-(child.pid as number), "SIGKILL");
    await closed;
    const before = finished();
    expect(before).toBeLessThan(PACKAGES);
    const run = await end(begin(name));
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    const { alreadyDone, audited } = report(name).run;
    expect([alreadyDone, audited]).toEqual([before, PACKAGES - before]);
    expect(content(name)).toBe(reference);
    expect(scannedAgain(name)).toEqual([]);
  });
});

describe("chaos", () => {
  test.each(["1", "2"])("seed %s: same report, restarts told", async (seed) => {
    const run = await end(begin(`chaos-${seed}`, ["--chaos", seed]));
    expect(run.status).toBe(0);
    const { restarts, chaosSeed } = report(`chaos-${seed}`).run;
    expect(restarts).toBeGreaterThan(0);
    expect(chaosSeed).toBe(seed);
    expect(run.stdout).toContain("killed by operator");
    expect(content(`chaos-${seed}`)).toBe(reference);
    expect(scannedAgain(`chaos-${seed}`)).toEqual([]);
  });
});

describe("bad input", () => {
  test.each([
    [["--nonsense"], "E_USAGE"],
    [["--threads", "0"], "E_USAGE"],
    [["extra"], "E_USAGE"],
  ])("%j is refused in one clear error", async (args, code) => {
    const run = await end(begin("bad", args));
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain(code);
    expect(run.stderr).not.toContain("    at ");
  });
});
