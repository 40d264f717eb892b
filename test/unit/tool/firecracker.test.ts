// The driver against a stand-in of Firecracker (firecracker-program.ts): no Firecracker runs here, and no
// machine. Seen are the requests, their order and the walls' paths, what is done with refusals, and the
// channel.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { begin } from "../../../src/tool/begin.ts";
import { Collector } from "../../../src/tool/collect.ts";
import { firecrackerJail, versionFault } from "../../../src/tool/firecracker.ts";
import { firecracker } from "../../../src/tool/firecracker-machine.ts";
import { callGuest } from "../../../src/tool/guest-call.ts";
import type { Image } from "../../../src/tool/image.ts";
import { jailed } from "../../../src/tool/jail.ts";
import type { Machine } from "../../../src/tool/machine.ts";
import { MachinePool } from "../../../src/tool/machine-pool.ts";
import type { Shape } from "../../../src/tool/qemu.ts";
import { Template } from "../../../src/tool/template.ts";
import { LIMITS } from "../../tck/sandbox-host.ts";
import { type Manner, standIn } from "./firecracker-program.ts";

const TEST = { timeout: 400_000 };
/** Generous: the machine may be busy. */
const SLOW = { listenMs: 60_000, answerMs: 60_000, reachMs: 60_000 };
const { signal } = new AbortController();

let home = "";
let folder = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "fire-"));
  folder = join(home, "run");
  mkdirSync(folder);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function image(): Image {
  const files = ["disk", "kernel", "vmlinux", "initrd"] as const;
  const paths = Object.fromEntries(files.map((name) => [name, join(home, name)]));
  for (const path of Object.values(paths)) writeFileSync(path, "");
  const more = { runtime: "sh", key: "k", root: "/root", vmm: "/vmm", jail: "/jail" };
  return { ...more, ...paths } as unknown as Image;
}

const shape = (): Shape => ({ image: image(), accelerator: "tcg", memoryMb: 224, vcpus: 2 });
const monitor = (manner: Manner = {}, deadlines = SLOW) =>
  firecracker("/opt/firecracker", { walls: standIn(manner), deadlines });
const template = (manner?: Manner, deadlines = SLOW) =>
  Template.make(monitor(manner, deadlines), shape(), folder);
const machines = () => readdirSync(folder).filter((name) => name.startsWith("machine-"));

/** Runs a command in a copy. */
async function run(made: Template, script: string, stdin = "") {
  const source = { claim: () => made.copy(0), release: (each: Machine) => each.destroy() };
  const told: string[] = [];
  const machine = await begin(source, shape(), signal, (text) => told.push(text));
  if ("tag" in machine) return { end: machine, printed: "", told };
  const collected = new Collector(LIMITS, () => {});
  const request = { key: "k", tool: "t", command: "sh", args: ["-c", script], files: [] };
  const call = { ...request, stdin: Buffer.from(stdin) };
  const { end } = await callGuest(machine, call, LIMITS, signal, collected);
  await machine.destroy();
  return { end, printed: Buffer.from(collected.result().stdout).toString(), told };
}

test("what is said to it is what was recorded: a template, and a copy", TEST, async () => {
  const record = join(home, "record");
  const made = await template({ record });
  expect(made.intact()).toBe(true);
  expect(await run(made, "cat; echo out; exit 3", "in ")).toMatchObject({
    ...{ printed: "in out\n", end: { code: 3 }, told: [] },
  });
  expect(machines()).toEqual([]);
  const fixture = new URL("../../fixtures/firecracker-protocol.jsonl", import.meta.url);
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  expect(lines(readFileSync(record, "utf8"))).toEqual(lines(readFileSync(fixture, "utf8")));
});

test(
  "a guest is asked again until it is there: not yet up, or a copy that resets",
  TEST,
  async () => {
    expect(await run(await template({ fault: "late" }), "echo late")).toMatchObject({
      printed: "late\n",
    });
    expect(await run(await template({ fault: "forgets" }), "echo again")).toMatchObject({
      printed: "again\n",
    });
  },
);

test("what it refuses, and how it ends, is told; nothing is left of it", TEST, async () => {
  const quick = { silent: { answerMs: 8_000 }, deaf: { reachMs: 2_000 } };
  const says = (fault: Manner["fault"]) => {
    const deadlines = {
      ...SLOW,
      ...(fault && fault in quick ? quick[fault as keyof typeof quick] : {}),
    };
    return expect(template({ fault }, deadlines)).rejects.toThrow;
  };
  await says("old")("Firecracker cannot be used: its version 1.9.1 is older than 1.10");
  await says("silent")("Firecracker: PUT /actions: it said nothing for 8000 ms");
  await says("dies")(/PUT \/actions: .*; the machine ended \(1\): .*cannot open \/dev\/kvm/s);
  await says("closes")(/Firecracker: PUT \/drives\/root: .*; the machine ended \(0\)/);
  // (What the last of many tries came to.)
  await says("deaf")(/not reached in 2000 ms: (the connection was closed|no answer for \d+ ms)$/);
  const bare = shape();
  rmSync(bare.image.initrd);
  await expect(Template.make(monitor(), bare, folder)).rejects.toThrow(
    "Firecracker: PUT /boot-source: No such file or directory: /run/initrd",
  );
  expect(readdirSync(folder)).toEqual([]);
});

test("a copy whose guest ends, or breaks the protocol, is told as such", TEST, async () => {
  const ends = await run(await template({ fault: "ends" }), "true");
  expect(ends.end).toMatchObject({ tag: "unknown", why: expect.stringContaining("ended (0)") });
  const hostile = await run(await template({ fault: "hostile" }), "true");
  expect(hostile.end).toMatchObject({ tag: "hostile" });
  expect(machines()).toEqual([]);
});

test("a template that was changed is not copied again; copies cannot change it", TEST, async () => {
  const pool = new MachinePool(monitor(), folder, 1);
  const of = shape();
  const first = await pool.claim(of, signal);
  const [name = ""] = readdirSync(folder).filter((each) => each.startsWith("template-"));
  await pool.settled();
  writeFileSync(join(folder, name, "ram"), "changed");
  // One waits warm, made before; the next is made of a new template.
  for (let turn = 0; turn < 2; turn++)
    await pool.release((await pool.claim(of, signal)) as Machine);
  await pool.settled();
  expect(existsSync(join(folder, name))).toBe(false);
  await pool.release(first as Machine);
  await pool.close();
  expect(existsSync(folder)).toBe(false);
});

test("its walls: what it may see of the host, and what a copy may not write", () => {
  const place = { shape: shape(), folder: "/run/x/template-1", user: { uid: 7, gid: 7 } };
  const jail = firecrackerJail("/opt/firecracker", place, "/run/x/machine-1", false);
  const { args } = jailed({ ...jail, devices: ["/dev/kvm"] });
  const line = args.join(" ");
  expect(line).toContain("--reuid 7 --regid 7 --clear-groups --no-new-privs --pdeathsig KILL");
  expect(line).toContain("--unshare-all");
  expect(line).toContain("--ro-bind /run/x/template-1/ram /run/template/ram");
  expect(line).toContain("--ro-bind /run/x/template-1/state /run/template/state");
  expect(line).toContain("--fsize=1048576");
  expect(line).not.toContain("vmlinux");
  expect(jail.mounts.filter((each) => each === "--bind")).toHaveLength(1);
  const boot = firecrackerJail("/opt/firecracker", place, "/run/x/machine-1", true);
  expect(boot.mounts.join(" ")).toContain(`--ro-bind ${place.shape.image.vmlinux} /run/kernel`);
  expect(boot.devices).toEqual([]);
});

test("versions: from 1.10 on", () => {
  const of = (firecracker_version: string) => versionFault({ firecracker_version });
  for (const good of ["1.10.0", "1.16.1", "2.0.0-dev", "v1.12.3"]) expect(of(good)).toBe(null);
  for (const old of ["1.9.9", "0.25.0"]) expect(of(old)).toMatch(/is older than 1\.10/);
  expect(of("new")).toMatch(/says that its version is "new"/);
  expect(versionFault(null)).toMatch(/undefined/);
  vi.unstubAllEnvs();
});
