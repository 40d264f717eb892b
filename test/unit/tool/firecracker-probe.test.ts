// Whether Firecracker runs machines: only when it is asked for, and never silently not.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  askedFirecracker,
  firecrackerFault,
  unasked,
} from "../../../src/tool/firecracker-probe.ts";
import { builtImages, findImage, type Image } from "../../../src/tool/image.ts";
import { type Jail, jailed } from "../../../src/tool/jail.ts";
import { microvmKvm } from "../../../src/tool/microvm.ts";
import { tierFor } from "../../../src/tool/tiers.ts";
import { type Manner, standIn } from "./firecracker-program.ts";

// In the root of this image a stand-in can run; there is one where `coppice image build node` was run.
const hasNode = findImage("node") !== null;
if (!hasNode) process.stderr.write("SKIPPED: no image of node: walls of Firecracker\n");

const TEST = { timeout: 400_000 };
const SLOW = { listenMs: 60_000, answerMs: 60_000, reachMs: 60_000 };
const stood = (manner: Manner = {}) => ({ walls: standIn(manner), deadlines: SLOW });

let home = "";
let program = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "fire-"));
  vi.stubEnv("COPPICE_IMAGES", join(home, "images"));
  program = join(home, "bin/firecracker");
  mkdirSync(join(home, "bin"));
  writeFileSync(program, "#!/bin/sh\nexit 1\n");
  chmodSync(program, 0o755);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const image = (vmlinux: string | null): Image => {
  const more = { runtime: "sh", key: "k", root: "/root", vmm: "/vmm", jail: "/jail" };
  const files = { disk: "/disk", kernel: "/kernel", initrd: "/initrd", vmlinux };
  return { ...more, ...files } as unknown as Image;
};

test("it is asked for by path or name; one that is not asked for is told of", () => {
  vi.stubEnv("PATH", join(home, "bin"));
  vi.stubEnv("COPPICE_FIRECRACKER", "");
  expect(askedFirecracker()).toBe(null);
  expect(unasked()).toContain(`${program} is not used: set COPPICE_FIRECRACKER=firecracker`);
  vi.stubEnv("COPPICE_FIRECRACKER", "firecracker");
  expect(askedFirecracker()).toBe(program);
  vi.stubEnv("COPPICE_FIRECRACKER", "/other/one");
  expect(askedFirecracker()).toBe("/other/one");
  vi.stubEnv("PATH", home);
  expect(unasked()).toBe("");
  vi.stubEnv("COPPICE_FIRECRACKER", "firecracker");
  expect(askedFirecracker()).toBe("firecracker"); // absent, but not unasked for
});

test("what it lacks is said, with what to do", TEST, async () => {
  expect(await firecrackerFault(program, [image("/vmlinux")], stood())).toBe(null);
  const fix = expect.stringContaining("or unset COPPICE_FIRECRACKER to use QEMU");
  expect(await firecrackerFault("/no/such", [image("/vmlinux")], stood())).toEqual({
    why: "there is no program /no/such, which COPPICE_FIRECRACKER names",
    fix,
  });
  expect(await firecrackerFault(program, [image(null)], stood())).toEqual({
    why: "Firecracker needs an unpacked kernel, and the image of sh has none",
    fix,
  });
  expect(await firecrackerFault(program, [image("/vmlinux")], stood({ fault: "old" }))).toEqual({
    why: `${program} does not do: Firecracker cannot be used: its version 1.9.1 is older than 1.10`,
    fix,
  });
  expect(readdirSync(join(home, "images"))).toEqual([]);
});

test.skipIf(builtImages().length === 0)(
  "asked for and absent, no machine of QEMU takes its place",
  async () => {
    vi.stubEnv("COPPICE_IMAGES", "");
    vi.stubEnv("COPPICE_FIRECRACKER", "/no/such/firecracker");
    const report = await microvmKvm.probe();
    expect(report).toMatchObject({ available: false });
    expect(report).toHaveProperty(
      "why",
      expect.stringContaining("no program /no/such/firecracker"),
    );
    await expect(
      tierFor("microvm", "t", { microvm: async () => microvmKvm }),
    ).rejects.toMatchObject({
      code: "E_SANDBOX_MISSING",
    });
  },
);

test.skipIf(!hasNode)(
  "behind its real walls the program that answers is found to do",
  TEST,
  async () => {
    vi.stubEnv("COPPICE_IMAGES", "");
    const node = findImage("node") as Image;
    // Not Firecracker: a script that answers one question, and tells what it sees.
    const script = `#!/usr/bin/node
const { createServer } = require("node:http");
const { getuid } = process;
createServer((_, response) => {
  const seen = [...require("node:fs").readdirSync("/run").sort(), getuid()].join();
  const ok = seen === "disk,firecracker,initrd,kernel,machine,template,1000";
  response.end(JSON.stringify({ firecracker_version: ok ? "1.16.1" : seen }));
}).listen("/run/machine/api");
`;
    writeFileSync(program, script);
    chmodSync(home, 0o755);
    const root = join(home, "root");
    for (const each of ["dev", "proc", "run", "usr"])
      mkdirSync(join(root, each), { recursive: true });
    for (const each of ["lib", "lib64"]) symlinkSync(`usr/${each}`, join(root, each));
    const walls = (jail: Jail) => {
      const mounts = ["--ro-bind", `${node.root}/usr`, "/usr", ...jail.mounts];
      return jailed({ ...jail, root, mounts });
    };
    expect(await firecrackerFault(program, [node], { walls, deadlines: SLOW })).toBe(null);
  },
);
