/** Aborts in numbers: 1,000 races with runs that end by themselves, 300 in one thread's life. */
import { MessageChannel, type Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { CELLS } from "../../src/kernel/guard.ts";
import { spawn } from "../../src/node/spawn.ts";
import { aborts } from "../soak/aborts.ts";
import type { Outcome, Start } from "./fixtures/race.ts";

const FILE = new URL("./fixtures/race.ts", import.meta.url);
const TRIES = 1_000;
const workers: Worker[] = [];

afterEach(() => Promise.all(workers.map((each) => each.terminate())));

function begin(start: Omit<Start, "url" | "tries">): Promise<unknown> {
  const workerData: Start = { ...start, url: FILE.href, tries: TRIES };
  const { worker } = spawn(FILE, { workerData, transferList: [start.line] });
  workers.push(worker);
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

test("no end lands in our code", { timeout: 60_000 }, async () => {
  const cells = new SharedArrayBuffer(CELLS * 4);
  const { port1, port2 } = new MessageChannel();
  const threadId = await begin({ role: "thread", cells, line: port1 });
  new Int32Array(cells)[7] = threadId as number;
  const outcome = (await begin({ role: "control", cells, line: port2 })) as Outcome;
  expect(outcome.wrong).toBe(0);
  expect(outcome.ended + outcome.clean).toBe(TRIES);
  // Both ends of the race are run into often, or it is none.
  expect(outcome.ended).toBeGreaterThan(TRIES / 10);
  expect(outcome.clean).toBeGreaterThan(TRIES / 20);
});

test("300 aborts in one thread's life", { timeout: 60_000 }, async () => {
  const report = await aborts(300);
  expect(report).toMatchObject({ aborts: 300, others: [], threadsLost: 0, neighboursWrong: 0 });
});
