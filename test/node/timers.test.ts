/** Durable timers of a real node: across crashes of threads, stops, and kill -9. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Clock } from "./fixtures/clock.ts";

const APP = new URL("./fixtures/clock.ts", import.meta.url);
const clock = ref("/s/clock", Clock);
const PATIENT = { timeout: 120_000 };

let data: string;
let system: System | null = null;

async function boot(): Promise<System> {
  system = await start(APP, { threads: 1, data, log: "silent" });
  return system;
}

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "coppice-timers-"));
});

afterEach(async () => {
  await system?.stop();
  system = null;
  rmSync(data, { recursive: true, force: true });
});

const rang = (node: System) => node.ask(clock, "rang", null, PATIENT);

/** Once the timer has rung: when it was due, and when it did. */
async function once(node: System): Promise<{ note: string; at: number }> {
  await expect.poll(async () => (await rang(node)).length, PATIENT).toBeGreaterThan(0);
  return (await rang(node))[0] as { note: string; at: number };
}

test("a timer survives its thread and a stop of the node; it is never early", async () => {
  let node = await boot();
  const due = Date.now() + 2_500;
  await node.ask(clock, "set", { ms: 2_500, note: "x" }, PATIENT);
  await node.crashThread(1);
  await node.stop();
  node = await boot();
  const { note, at } = await once(node);
  expect([note, at >= due - 5]).toEqual(["x", true]);
  await node.stop();
  expect(await rang(await boot())).toHaveLength(1);
});

test("a timer of a node that was killed fires in the next one, once", async () => {
  const due = Date.now() + 1_500;
  const child = spawn(
    process.execPath,
    ["--conditions=coppice-source", APP.pathname, data, "1500"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const said = await new Promise<string>((resolve) => {
    child.stdout.once("data", (line: Buffer) => resolve(String(line).trim()));
    child.once("exit", () => resolve("it ended"));
  });
  expect(said).toBe("set");
  child.kill("SIGKILL");
  await ended;
  const node = await boot();
  const { note, at } = await once(node);
  expect([note, at >= due - 5]).toEqual(["killed", true]);
  await node.stop();
  expect(await rang(await boot())).toHaveLength(1);
});

test("one that comes again goes on in the next node, until it is taken back", async () => {
  let node = await boot();
  await node.ask(clock, "repeat", { every: 200 }, PATIENT);
  await once(node);
  await node.stop();
  node = await boot();
  const before = (await rang(node)).length;
  await expect.poll(async () => (await rang(node)).length, PATIENT).toBeGreaterThan(before + 1);
  await node.ask(clock, "stop", null, PATIENT);
  const { length } = await rang(node);
  await node.stop();
  node = await boot();
  // What had fired before it was taken back may still have been on its way: one at most.
  expect((await rang(node)).length - length).toBeLessThanOrEqual(1);
});

test("a handler that has waited for something of its own knows how late it is", async () => {
  const node = await boot();
  const { before, now } = await node.ask(clock, "later", { ms: 900 }, PATIENT);
  expect(now - before).toBeGreaterThanOrEqual(890);
  const { note, at } = await once(node);
  expect(at - Number(note)).toBeGreaterThanOrEqual(890);
});
