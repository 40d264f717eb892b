// The same packages, Node.js and sources give the same bytes: an image can be built again elsewhere and
// compared. Where the host has no packages to build of, that is told and counted as skipped.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { buildImage } from "../../src/tool/image-build.ts";
import { hasImages } from "../tck/sandbox-host.ts";

const folder = mkdtempSync(join(tmpdir(), "coppice-same-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(!hasImages)("two builds give the same bytes", { timeout: 600_000 }, async () => {
  // Never taken back: what follows here must not find the host's own images.
  const build = (name: string) => {
    process.env.COPPICE_IMAGES = join(folder, name);
    return buildImage("python3");
  };
  const [first, second] = [await build("first"), await build("second")];
  expect(first.disk).not.toBe(second.disk);
  expect(second.sha256).toEqual(first.sha256);
  expect(second.key).toBe(first.key);
});
