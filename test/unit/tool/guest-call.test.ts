// A hostile guest in the middle of a call: whatever it says, the call ends once, with an outcome, and
// never with more than the limit of output.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Collector } from "../../../src/tool/collect.ts";
import type { Frame } from "../../../src/tool/frames.ts";
import { callGuest, encodeSeed, unfit } from "../../../src/tool/guest-call.ts";
import type { Machine, MachineEnd } from "../../../src/tool/machine.ts";
import { LIMITS } from "../../tck/sandbox-host.ts";

const request = {
  ...{ key: "k", tool: "t", command: "sh", args: [], files: [] },
  stdin: new Uint8Array(),
};

/** A machine whose guest says `frames` as soon as somebody listens to it. */
function scripted(frames: readonly (Frame | MachineEnd)[]): Machine {
  let current: ((said: Frame | MachineEnd) => void) | null = null;
  const say = () => {
    for (const each of frames) current?.(each);
  };
  const machine = {
    send: () => true,
    together: (send: () => void) => send(),
    expect: async () => ({ type: "p", payload: Buffer.alloc(0) }),
    listen(listener: ((said: Frame | MachineEnd) => void) | null) {
      current = listener;
      if (listener) queueMicrotask(say);
    },
  };
  return machine as unknown as Machine;
}

const call = (frames: readonly (Frame | MachineEnd)[], limits = LIMITS) => {
  const collected = new Collector(limits, () => {});
  const { signal } = new AbortController();
  return callGuest(scripted(frames), request, limits, signal, collected).then((ended) => ({
    ...ended,
    collected,
  }));
};

const frame = (type: string, text = "") => ({ type, payload: Buffer.from(text) });
const EXIT = frame("X", '{"code":0,"signal":0,"oom":0,"full":0,"peak":1}');

test("any frames in any order end a call", async () => {
  const type = fc.constantFrom(..."YwpOELNinX");
  const any = fc.record({
    type,
    payload: fc.uint8Array({ maxLength: 50 }).map((each) => Buffer.from(each)),
  });
  const limits = { ...LIMITS, timeoutMs: 30, outputBytes: 100 };
  const property = fc.asyncProperty(fc.array(any, { maxLength: 20 }), async (frames) => {
    const { end, collected } = await call(frames, limits);
    expect("tag" in end ? end.tag : "exit").toMatch(/^(hostile|timeout|killed|exit)$/);
    expect(collected.bytes).toBeLessThanOrEqual(100);
  });
  await fc.assert(property, { numRuns: 200 });
});

test("what is out of turn, unreadable or too much is hostile", async () => {
  for (const said of [frame("Y"), frame("p"), frame("w"), frame("X", "{}"), frame("X", "x")]) {
    expect((await call([frame("O", "x"), said, EXIT])).end).toMatchObject({ tag: "hostile" });
  }
  const much = Array.from({ length: 6_000 }, () => frame("L", "x"));
  expect((await call([...much, EXIT])).end).toMatchObject({ tag: "hostile" });
});

test("a machine that is gone is unknown, one that broke the protocol hostile", async () => {
  expect((await call([{ kind: "gone", why: "it died" }])).end).toMatchObject({ tag: "unknown" });
  expect((await call([{ kind: "hostile", why: "frames" }])).end).toMatchObject({ tag: "hostile" });
});

test("what comes after the exit is not heard", async () => {
  const { end, collected } = await call([frame("O", "a"), EXIT, frame("O", "b"), frame("Y")]);
  expect(end).toEqual({ code: 0, signal: null, hit: null });
  expect(Buffer.from(collected.result().stdout).toString()).toBe("a");
});

test("arguments that do not fit are told; each seed is its own", () => {
  expect(unfit({ ...request, args: ["a\0b"] })).toMatch(/zero byte/);
  expect(unfit({ ...request, args: ["x".repeat(600_000)] })).toMatch(/longer/);
  expect(unfit({ ...request, args: Array(2_000).fill("x") })).toMatch(/more than/);
  expect(unfit(request)).toBeNull();
  expect(encodeSeed().subarray(0, 32).equals(encodeSeed().subarray(0, 32))).toBe(false);
});

test("output over its limit ends the call, and is not kept", async () => {
  const limits = { ...LIMITS, outputBytes: 100 };
  const { end, collected } = await call(
    [frame("O", "x".repeat(60)), frame("E", "x".repeat(41)), EXIT],
    limits,
  );
  expect(end).toMatchObject({ tag: "killed", limit: "output" });
  expect(collected.bytes).toBe(60);
});
