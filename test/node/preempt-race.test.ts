/** Aborts in numbers: 1,000 races with runs that end by themselves, 10,000 in one thread's life. */
import { MessageChannel, type Worker } from "node:worker_threads";
import { start } from "coppice";
import { afterEach, expect, test } from "vitest";
import { CELLS } from "../../src/kernel/guard.ts";
import { spawn } from "../../src/node/spawn.ts";
import { aborts } from "../soak/aborts.ts";
import type { Outcome, Start } from "./fixtures/race.ts";
import { counter, teller } from "./fixtures/tellers.ts";

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

test("no end lands in our code", async () => {
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

// (Minutes: an end is decided a slice after its run began.)
test("10,000 aborts in one thread's life", { timeout: 1_800_000 }, async () => {
  const report = await aborts(10_000);
  expect(report).toMatchObject({ aborts: 10_000, others: [], threadsLost: 0, neighboursWrong: 0 });
});

test("a handler that is ended in a tell leaves the message sent or not sent", {
  timeout: 600_000,
}, async () => {
  const tries = 20;
  const url = new URL("./fixtures/tellers.ts", import.meta.url);
  let wake = () => {};
  const ends: string[] = [];
  const system = await start(url, {
    threads: 1,
    log: "silent",
    inspect: false,
    onEvent: (event) => {
      if (event.type !== "exited" || event.path !== teller.path) return;
      ends.push(event.reason.tag);
      wake();
    },
  });
  for (let i = 0; i < tries; i++) {
    const ended = new Promise<void>((resolve) => {
      wake = resolve;
    });
    system.tell(teller, "tell", null);
    await ended;
    // Between its end and its next life there is no such actor.
    const awake = () => system.ask(teller, "awake", null, { timeout: "5m" }).catch(() => 0);
    while ((await awake()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { begun, over, read } = await system.ask(counter, "report", null, { timeout: "5m" });
  await system.stop();
  expect(ends.slice(0, tries)).toEqual(Array.from({ length: tries }, () => "aborted"));
  expect(read).toBeGreaterThanOrEqual(over);
  expect(read).toBeLessThanOrEqual(begun);
  expect(begun - over).toBeLessThanOrEqual(tries);
});
