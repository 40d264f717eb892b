// A machine that does not begin has run nothing of the call: another takes its place, and that is told.

import { expect, test } from "vitest";
import { begin, type MachineSource } from "../../../src/tool/begin.ts";
import { FrameError } from "../../../src/tool/frames.ts";
import type { Machine } from "../../../src/tool/machine.ts";
import type { Shape } from "../../../src/tool/qemu.ts";

type Kind = "answers" | "mute" | "broken" | "hostile" | "none";

function machineOf(kind: Kind): Machine {
  const expect = async () => {
    if (kind === "mute") await new Promise(() => {});
    if (kind === "broken") throw new Error("the guest said nothing for 1 ms");
    if (kind === "hostile") throw new FrameError("a wrong checksum");
    return { type: "p", payload: Buffer.alloc(0) };
  };
  return { send: () => true, together: (send: () => void) => send(), expect } as unknown as Machine;
}

/** Machines in this order; counts those given out and taken back. */
function sourceOf(...kinds: Kind[]) {
  const counts = { claimed: 0, released: 0 };
  const source: MachineSource = {
    async claim() {
      counts.claimed++;
      const kind = kinds.shift() ?? "none";
      if (kind === "none") throw new Error("QEMU cannot be started");
      return machineOf(kind);
    },
    async release() {
      counts.released++;
    },
  };
  return { source, counts };
}

const begun = async (kinds: Kind[], signal = new AbortController().signal) => {
  const { source, counts } = sourceOf(...kinds);
  const told: string[] = [];
  const end = await begin(source, {} as Shape, signal, (text) => told.push(text), 1_000);
  return { end, counts, told };
};

test("a machine that does not begin is replaced, twice at most, and told", async () => {
  const third = await begun(["broken", "none", "answers"]);
  expect(third.end).not.toHaveProperty("tag");
  expect(third.counts).toEqual({ claimed: 3, released: 1 });
  expect(third.told).toEqual([
    "a machine did not begin: the guest said nothing for 1 ms; another is taken",
    "a machine did not begin: QEMU cannot be started; another is taken",
  ]);
  const never = await begun(["broken", "broken", "broken", "answers"]);
  expect(never.end).toEqual({
    tag: "absent",
    why: "none of 3 machines began: the guest said nothing for 1 ms",
  });
  expect(never.counts).toEqual({ claimed: 3, released: 3 });
  expect(never.told.at(-1)).toMatch(/the call is given up$/);
});

test("a machine that breaks the protocol is not replaced", async () => {
  const { end, counts, told } = await begun(["hostile", "answers"]);
  expect(end).toEqual({ tag: "hostile", why: "a wrong checksum" });
  expect(counts).toEqual({ claimed: 1, released: 1 });
  expect(told).toEqual([]);
});

test("who is gone does not wait for a mute machine", async () => {
  const gone = new AbortController();
  setImmediate(() => gone.abort());
  const { end, counts, told } = await begun(["mute", "answers"], gone.signal);
  expect(end).toMatchObject({ tag: "killed", limit: "owner" });
  expect(counts).toEqual({ claimed: 1, released: 1 });
  expect(told).toEqual([]);
});
