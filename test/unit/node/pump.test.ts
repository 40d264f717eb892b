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
  const pump = new Pump(() => done.push("flush"));
  pump.attach(kernel);
  pump.enter();
  pump.now();
  pump.stop();
  expect(done).toEqual(["clock", "turn", "turn", "turn", "flush", "rest"]);
});
