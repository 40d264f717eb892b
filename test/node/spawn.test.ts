/** Workers whose runs can be ended: whatever options the process itself was started with. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const SPAWN = new URL("../../src/node/spawn.ts", import.meta.url).href;

/** Starts a worker in a process of these options. @returns whether it is endable, and its options */
function inProcess(...flags: string[]): { endable: boolean; execArgv: string[] } {
  const program = `
    const { spawn } = await import(${JSON.stringify(SPAWN)});
    const { worker, endable } = spawn(new URL("data:text/javascript," + encodeURIComponent(
      "import { parentPort } from 'node:worker_threads'; parentPort.postMessage(process.execArgv);",
    )), {});
    worker.once("message", (execArgv) => console.log(JSON.stringify({ endable, execArgv })));`;
  const args = ["--no-warnings", ...flags, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const UNCHECKED = "--no-force-async-hooks-checks";

test("options of the process that are none of a worker are left out", () => {
  const { endable, execArgv } = inProcess("--max-old-space-size=500", "--expose-gc", "-C", "other");
  expect(endable).toBe(true);
  expect(execArgv).toContain(UNCHECKED);
  expect(execArgv).not.toContain("--expose-gc");
  expect(execArgv.slice(execArgv.indexOf("-C"))).toContain("other");
});

test("plain options stay", () => {
  const { endable, execArgv } = inProcess("--conditions=other");
  expect(endable).toBe(true);
  expect(execArgv).toEqual(expect.arrayContaining(["--conditions=other", UNCHECKED]));
});
