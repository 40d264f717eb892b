// A machine and the channel to its guest, over a real socket to a real process (guest-program.ts): what
// is said arrives whole and in order, what is odd ends it, and nothing of it is left.

import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { begin } from "../../../src/tool/begin.ts";
import { Collector } from "../../../src/tool/collect.ts";
import { callGuest } from "../../../src/tool/guest-call.ts";
import { Machine } from "../../../src/tool/machine.ts";
import { runs } from "../../../src/tool/processes.ts";
import type { Shape } from "../../../src/tool/qemu.ts";
import { LIMITS } from "../../tck/sandbox-host.ts";
import type { Conduct } from "./guest-program.ts";

const PROGRAM = fileURLToPath(new URL("./guest-program.ts", import.meta.url));
/** However busy the host is. @unit ms */
const LONG = 60_000;

class Pretended extends Machine {
  constructor(file: string, conduct: Conduct) {
    super({ file, args: [PROGRAM, conduct], env: {} }, ["pipe"]);
    this.attach(this.socket(3));
  }

  override hold(): void {}
  override go(): void {}
  override async save(): Promise<void> {}
}

const made: Machine[] = [];
afterEach(async () => {
  for (const each of made.splice(0)) await each.destroy();
});

function machineOf(conduct: Conduct, file = process.execPath): Machine {
  const machine = new Pretended(file, conduct);
  made.push(machine);
  return machine;
}

/** A machine that has said that it is ready, and who it is. */
async function ready(conduct: Conduct) {
  const machine = machineOf(conduct);
  const { payload } = await machine.expect("Y", LONG);
  return { machine, pid: Number(payload.toString()) };
}

async function call(machine: Machine) {
  const collected = new Collector(LIMITS, () => {});
  const request = {
    ...{ key: "k", tool: "t", command: "sh", args: ["-c", "true"] },
    files: [{ path: "a", bytes: Buffer.alloc(600_000, "x"), executable: false }],
    stdin: Buffer.alloc(0),
  };
  const { signal } = new AbortController();
  const { end } = await callGuest(machine, request, LIMITS, signal, collected);
  return { end, text: Buffer.from(collected.result().stdout).toString() };
}

/** Begins with this machine, and no other. */
function beginWith(machine: Machine) {
  const told: string[] = [];
  const source = {
    claim: async () => {
      if (told.length > 0) throw new Error("there is no other");
      return machine;
    },
    release: (used: Machine) => used.destroy(),
  };
  const { signal } = new AbortController();
  const end = begin(source, {} as Shape, signal, (text) => told.push(text), LONG);
  return end.then((begun) => ({ begun, told }));
}

test.each<Conduct>(["well", "byte by byte"])("%s: a call there and back", async (conduct) => {
  const { machine, pid } = await ready(conduct);
  const { begun } = await beginWith(machine);
  expect(begun).toBe(machine);
  // Seed, ping, scratch space, a file in three parts, command, stdin: in the order they were sent.
  const { end, text } = await call(machine);
  expect({ end, text }).toEqual({ end: { code: 0, signal: null, hit: null }, text: "SPDFffRi" });
  expect([machine.alive, runs(pid)]).toEqual([true, true]);
  await machine.destroy();
  expect([machine.alive, runs(pid)]).toEqual([false, false]);
});

test.each<[Conduct, RegExp]>([
  ["wrong checksum", /^a wrong checksum$/],
  ["frame too long", /^a frame of 2147483647 bytes$/],
  ["unknown frame", /^a frame of type "Z"$/],
])("%s: the machine is ended, and nothing more is read", async (conduct, why) => {
  const { machine, pid } = await ready(conduct);
  machine.send("P");
  await expect(machine.expect("p", LONG)).rejects.toThrow(why);
  expect(machine.alive).toBe(false);
  await expect(call(machine)).resolves.toMatchObject({ end: { tag: "hostile" }, text: "" });
  await expect.poll(() => runs(pid), { timeout: LONG }).toBe(false);
});

test("frames that nobody listens for are kept, a few of them", async () => {
  const { machine, pid } = await ready("flood");
  machine.send("P");
  await expect.poll(() => machine.alive, { timeout: LONG }).toBe(false);
  await expect.poll(() => runs(pid), { timeout: LONG }).toBe(false);
  const { machine: other } = await ready("well");
  other.send("P");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(other.expect("p", LONG)).resolves.toMatchObject({ type: "p" });
});

test("another frame than the one expected is no answer", async () => {
  const { machine } = await ready("well");
  machine.send("P");
  await expect(machine.expect("w", LONG)).rejects.toThrow("a frame of type p instead of w");
});

test("a guest that ends in a call is told with its last words", async () => {
  const { machine } = await ready("ends in a call");
  const { end } = await call(machine);
  expect(end).toEqual({ tag: "unknown", why: "the machine ended (3): it has had enough" });
  expect(machine.alive).toBe(false);
  // Who comes later hears of it too, and sending is no error.
  machine.together(() => machine.send("P"));
  await expect(machine.expect("p", LONG)).rejects.toThrow("the machine ended (3)");
});

test("a guest that says nothing has not begun; one that closes its channel ends with its time", async () => {
  const { machine: mute } = await ready("mute");
  mute.send("P");
  await expect(mute.expect("p", 50)).rejects.toThrow("the guest said nothing for 50 ms");
  const { machine: shut, pid } = await ready("closes its channel");
  const collected = new Collector(LIMITS, () => {});
  const { signal } = new AbortController();
  const request = { ...{ key: "k", tool: "t", command: "sh", args: [], files: [] } };
  const limits = { ...LIMITS, timeoutMs: 500 };
  const stdin = Buffer.alloc(0);
  const { end } = await callGuest(shut, { ...request, stdin }, limits, signal, collected);
  expect(end).toEqual({ tag: "timeout" });
  await shut.destroy();
  expect(runs(pid)).toBe(false);
});

test("a machine whose program is absent does not begin", async () => {
  const { begun, told } = await beginWith(machineOf("well", "/absent/program"));
  expect(begun).toMatchObject({ tag: "absent" });
  expect(told[0]).toMatch(
    /^a machine did not begin: \/absent\/program cannot be started: .*ENOENT/,
  );
});
