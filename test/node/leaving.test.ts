// A program may end while its node runs. Nothing of how the node watches its threads is seen then:
// Node.js would say that it waits for a debugger, as the inspector is in use.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const PROGRAM = new URL("./fixtures/leaves.ts", import.meta.url).pathname;

test.each<[string, number, RegExp]>([
  ["exits", 3, /^$/],
  ["throws", 1, /Error: nobody caught this\n.*\n\nNode\.js v[\d.]+\n$/],
])("a program that %s while its node runs says nothing else", (how, status, said) => {
  const args = ["--conditions=coppice-source", "--no-warnings", PROGRAM, how];
  const ended = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 120_000 });
  expect(ended.stdout).toBe("here\n");
  expect(ended.status).toBe(status);
  expect(ended.stderr).toMatch(said);
});
