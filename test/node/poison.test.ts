/** A message that ends the process each time it is handled: the process is started again and again. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const PROGRAM = new URL("./fixtures/poison.ts", import.meta.url).pathname;

/** @returns how it ended, and what it said */
function run(folder: string, first: string): Promise<string> {
  const args = ["--conditions=coppice-source", PROGRAM, folder, first];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (data: Buffer) => {
    said += data;
  });
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve(`${signal ?? code} ${said.trim()}`.trim()));
  });
}

test("the process dies of it a few times, then it is a dead letter and all goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "coppice-poison-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const ends = [await run(folder, "first")];
  while (ends.length < 6 && ends.at(-1) === "SIGKILL") ends.push(await run(folder, "later"));
  // Sent and handled once, delivered again twice; the message behind it may have come too late.
  expect(ends.slice(0, -1)).toEqual(["SIGKILL", "SIGKILL", "SIGKILL"]);
  expect(ends.at(-1)).toMatch(/^0 before( behind)?$/);
});
