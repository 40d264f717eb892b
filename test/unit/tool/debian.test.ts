// Packages of the distribution without installing them. Where there is no apt, the tests that need
// it are skipped and vitest counts them.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type UnpackProgress, unpackDebian } from "../../../src/tool/debian.ts";

// apt may take its time, and so may who else asks it.
vi.setConfig({ testTimeout: 180_000 });

const before = { cache: process.env.XDG_CACHE_HOME, path: process.env.PATH };
let cache: string;
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), "coppice-debian-"));
  process.env.XDG_CACHE_HOME = cache;
});
afterAll(() => {
  if (before.cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before.cache;
  rmSync(cache, { recursive: true });
});

const hasPackages = (() => {
  try {
    return execFileSync("apt-cache", ["show", "hello"], { encoding: "utf8" }).includes("SHA256");
  } catch {
    return false;
  }
})();

test("a system without apt says so", async () => {
  process.env.PATH = "";
  try {
    await expect(unpackDebian(["hello"])).rejects.toMatchObject({
      code: "E_PACKAGE",
      message: expect.stringContaining("apt-get is absent"),
      fix: expect.stringContaining("by hand"),
    });
  } finally {
    process.env.PATH = before.path;
  }
});

test.each([[[]], [["--purge"]], [["hello", "../x"]]])("%j are no names", async (names) => {
  await expect(unpackDebian(names)).rejects.toMatchObject({ code: "E_PACKAGE" });
});

test.runIf(hasPackages)("a package is fetched once, then found", async () => {
  const heard: UnpackProgress[] = [];
  const options = { dependencies: "none", onProgress: (each: UnpackProgress) => heard.push(each) };
  const first = await unpackDebian(["hello"], options as never);
  expect(existsSync(join(first.root, "usr/bin/hello"))).toBe(true);
  expect(first.packages).toEqual([
    { name: "hello", version: expect.any(String), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);
  expect(heard.map(({ phase, done, total }) => `${phase} ${done}/${total}`)).toEqual([
    "download 1/1",
    "unpack 1/1",
  ]);
  heard.length = 0;
  expect(await unpackDebian(["hello"], options as never)).toEqual(first);
  expect(heard).toEqual([]);
  // Nothing unfinished stays behind.
  expect(readdirSync(join(cache, "coppice/debian"))).toHaveLength(1);
});

test.runIf(hasPackages)("into a folder of one's own, beside what is there", async () => {
  const into = join(cache, "mine");
  await unpackDebian(["hello"], { into, dependencies: "none" });
  const { root } = await unpackDebian(["hostname"], { into, dependencies: "none" });
  expect(root).toBe(into);
  expect(existsSync(join(into, "usr/bin/hello")) && existsSync(join(into, "bin/hostname"))).toBe(
    true,
  );
});

test.runIf(hasPackages)("an unknown package is refused, and nothing is left", async () => {
  const asked = unpackDebian(["no-such-package-here"]);
  await expect(asked).rejects.toMatchObject({
    code: "E_PACKAGE",
    message: expect.stringContaining("no-such-package-here"),
    fix: expect.stringContaining("apt-get update"),
  });
});
