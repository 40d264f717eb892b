// How soon a watcher looks again: a run that is nearly too late is not left to the next round.
import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { RUN, SLICE_MS } from "../../../src/kernel/guard.ts";
import { Watcher } from "../../../src/node/watcher.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("it looks when the run is due, and not only a period later", () => {
  vi.useFakeTimers();
  const delays: number[] = [];
  const later = globalThis.setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms: number) => {
    delays.push(ms);
    return later(run, ms);
  }) as never);
  const limits = { graceMs: 1_000, hangMs: 2_000, driver: "replace" };
  const watcher = new Watcher({
    ...limits,
    url: "file:///none",
    sliceMs: 100,
    lost: () => {},
    warn: () => {},
  } as never);
  const cells = new Int32Array(new SharedArrayBuffer(64));
  const { port1, port2 } = new MessageChannel();
  watcher.add(1, 0, cells, true, port1);
  cells[SLICE_MS] = 40;
  cells[RUN] = 1;
  vi.advanceTimersByTime(200);
  watcher.remove(1);
  port2.close();
  expect(delays.slice(0, 3)).toEqual([25, 25, 16]);
});
