// What a process was started with, as by `60>file`, does not get into its sandboxes.

import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { descendants } from "../../src/tool/processes.ts";
import { hostTiers } from "../tck/sandbox-host.ts";

const folder = mkdtempSync(join(tmpdir(), "coppice-descriptors-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Descriptors of a process that are the file. */
const holds = (pid: number, file: string): boolean =>
  Array.from({ length: 64 }, (_, fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // it has none of that number
    }
  }).includes(file);

describe.each(await hostTiers())("$tier", { timeout: 300_000 }, ({ tier, missing }) => {
  test.skipIf(missing !== null)("an inherited descriptor stays outside", async () => {
    const file = join(folder, tier);
    // Node.js closes what it was given up to the first gap above 15.
    const gap = Array.from({ length: 57 }, () => "ignore" as const);
    const stdio = ["ignore", "pipe", "inherit", ...gap, openSync(file, "a")] as const;
    const main = join(import.meta.dirname, "holder.ts");
    const args = ["--conditions=coppice-source", main, tier, "1"];
    const holder = spawn(process.execPath, args, { stdio: [...stdio] });
    try {
      await new Promise((resolve) => holder.stdout?.once("data", resolve));
      expect(holds(holder.pid as number, file)).toBe(true);
      const sandboxed = () => descendants(holder.pid as number);
      expect(sandboxed().length).toBeGreaterThan(0);
      // Others may be on their way: what is started closes first what it was given.
      const holding = () => sandboxed().filter((pid) => holds(pid, file));
      await expect.poll(holding).toEqual([]);
    } finally {
      holder.kill("SIGKILL");
    }
  });
});
