/** Every numbered example prints what its header says, and ends by itself. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "..", "examples");
const names = readdirSync(folder).filter((name) => /^\d\d-.*\.ts$/.test(name));

/** The indented lines below "Output:" in the header. */
function promised(text: string): string {
  const [, block = ""] = /\n \* Output:\n((?: \* {5}.*\n)+)/.exec(text) ?? [];
  return block.replaceAll(/^ \* {5}/gm, "");
}

test.each(names)("%s", (name) => {
  const path = join(folder, name);
  const output = promised(readFileSync(path, "utf8"));
  expect(output).not.toBe("");
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--conditions=coppice-source", path],
    { encoding: "utf8", timeout: 200_000 },
  );
  expect({ stdout, status }, stderr).toEqual({ stdout: output, status: 0 });
});
