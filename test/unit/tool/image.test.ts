// Guest images without building one: archives whose bytes do not change, the filter of system calls,
// the walls' command lines, and hosts that cannot.

import { execFileSync } from "node:child_process";
import { afterEach, expect, test, vi } from "vitest";
import { cpio, tar } from "../../../src/tool/archive.ts";
import { runtimeOf } from "../../../src/tool/image.ts";
import { buildImage } from "../../../src/tool/image-build.ts";
import { jailed, jailUser } from "../../../src/tool/jail.ts";
import { probeRom } from "../../../src/tool/kvm.ts";
import { machineMemory } from "../../../src/tool/qemu.ts";
import { REFUSED, seccompFilter } from "../../../src/tool/seccomp.ts";

const { arch } = process;
afterEach(() => {
  Object.defineProperty(process, "arch", { value: arch });
  vi.unstubAllEnvs();
});

test("another kind of host is told so", async () => {
  Object.defineProperty(process, "arch", { value: "arm64" });
  await expect(buildImage("sh")).rejects.toMatchObject({
    code: "E_IMAGE",
    fix: expect.stringContaining("such a host"),
  });
});

test("a command names its guest", () => {
  expect(
    ["node", "/usr/bin/node", "python3", "python", "sh", "cat", "nodejs"].map(runtimeOf),
  ).toEqual(["node", "node", "python3", "python3", "sh", "sh", "sh"]);
});

test("tar is what tar reads, cpio is the same each time", () => {
  const name = `${"deep/".repeat(30)}file`;
  const files = [
    { path: "a/b", mode: 0o644, bytes: Buffer.from("text") },
    { path: name, mode: 0o755, bytes: Buffer.alloc(1_000, 1) },
  ];
  const listed = execFileSync("tar", ["tvf", "-"], { input: tar(files), encoding: "utf8" });
  expect(listed).toMatch(/^-rw-r--r-- 1000\/1000 +4 .* a\/b$/m);
  expect(listed).toMatch(/^-rwxr-xr-x 1000\/1000 +1000 .*\/file$/m);
  const all = cpio([{ path: "d", mode: 0o755 }, ...files]);
  expect(all.equals(cpio([{ path: "d", mode: 0o755 }, ...files]))).toBe(true);
  expect(all.length % 512).toBe(0);
  expect(all.toString("latin1", 0, 6)).toBe("070701");
});

test("the filter refuses what it names, and any other architecture", () => {
  const filter = seccompFilter();
  const run = (architecture: number, number: number, flags = 0): number => {
    let value = 0;
    for (let at = 0; ; at++) {
      const code = filter.readUInt16LE(at * 8);
      const k = filter.readUInt32LE(at * 8 + 4);
      const jump = (yes: boolean) => filter.readUInt8(at * 8 + (yes ? 2 : 3));
      if (code === 0x06) return k;
      if (code === 0x20) value = k === 4 ? architecture : k === 0 ? number : flags;
      if (code === 0x15) at += jump(value === k);
      if (code === 0x35) at += jump(value >= k);
      if (code === 0x45) at += jump((value & k) !== 0);
    }
  };
  const allow = 0x7fff0000;
  const x64 = 0xc000003e;
  for (const number of [0, 1, 2, 41, 42, 59, 57, 202]) expect(run(x64, number)).toBe(allow);
  for (const number of Object.values(REFUSED)) expect(run(x64, number)).toBe(0x50001);
  expect(run(x64, 56, 0x11)).toBe(allow);
  expect(run(x64, 56, 0x1000_0000)).toBe(0x50001);
  expect(run(x64, 435)).toBe(0x50026);
  expect(run(x64, 0x4000_0001)).toBe(0x50026);
  expect(run(0x4000_0003, 1)).toBe(0x8000_0000);
});

test("walls leave nothing of the host: no environment, no rights, no other root", () => {
  const base = {
    jail: "/jail",
    shell: "/shell",
    descriptors: 3,
    root: "/root",
    mounts: [],
    env: { A: "b" },
    limits: [],
  };
  const { file, args, env } = jailed({ ...base, user: { uid: 7, gid: 8 }, command: ["x", "--y"] });
  expect(file).toBe("/shell");
  const line = args.join(" ");
  for (const part of [
    "sh 3 setpriv --reuid 7 --regid 8 --clear-groups --no-new-privs --pdeathsig KILL",
    "--unshare-all --unshare-user --disable-userns --die-with-parent",
    "--cap-drop ALL",
    "--clearenv --setenv A b",
    "--ro-bind /root /",
    "-- x --y",
  ]) {
    expect(line).toContain(part);
  }
  expect(Object.keys(env)).toEqual(["PATH", "LD_LIBRARY_PATH"]);
  expect(jailed({ ...base, user: null, command: ["x"] }).args.join(" ")).not.toContain("--reuid");
  expect(jailUser(1000, 0.5)).toBeNull();
  expect(jailUser(0, 0.5)?.uid).toBeGreaterThan(2 ** 30);
});

test("a machine has room for its own system; the probe starts where a processor starts", () => {
  expect(machineMemory(256 * 2 ** 20)).toBe(352);
  expect(machineMemory(1)).toBe(224);
  const rom = probeRom();
  expect(rom.length).toBe(65_536);
  expect((0xfff3 + rom.readInt16LE(0xfff1)) & 0xffff).toBe(0);
});
