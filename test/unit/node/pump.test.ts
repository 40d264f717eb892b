// What a pump does around the turns of a kernel.
import { expect, test } from "vitest";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import { Pump } from "../../../src/node/pump.ts";

test("when the turns are over, what the batches took along has left and no budget runs on", () => {
  const done: string[] = [];
  const kernel = {
    guard: { cells: new Int32Array(64), current: null, rest: () => done.push("rest") },
    advance: () => done.push("clock"),
    runTurn: () => done.push("turn") < 4,
    timers: { next: () => null },
    busy: false,
  } as unknown as Kernel;
  const pump = new Pump(() => done.push("flush"), {
    look: () => done.push("look") > 0,
    turned: () => {},
  });
  pump.attach(kernel);
  pump.enter();
  pump.now();
  pump.stop();
  expect(done).toEqual(["clock", "turn", "turn", "turn", "flush", "rest", "look"]);
});

test("with nothing to do it looks out for mail; the event loop has its turn when that is due", async () => {
  const done: string[] = [];
  const kernel = {
    guard: { cells: new Int32Array(64), current: null, rest: () => {} },
    advance: () => {},
    runTurn: () => false,
    timers: { next: () => null },
    busy: true,
  };
  const due = [true, true, false];
  const lookout = {
    look: () => done.push("look") > 0 && due.pop() === true,
    turned: () => void done.push("turned"),
  };
  const pump = new Pump(() => {}, lookout);
  pump.attach(kernel as unknown as Kernel);
  pump.now();
  expect(done).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  kernel.busy = false;
  await expect.poll(() => done).toEqual(["look", "turned", "look"]);
  pump.stop();
});
