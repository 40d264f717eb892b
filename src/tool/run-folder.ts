/**
 * Owns: where a process keeps what its sandboxes need while they run: a folder of its own, in which a
 * disk lies, not memory; and removing what processes that were killed have left.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { imageHome } from "./image.ts";
import { endOrphans, runs } from "./processes.ts";

/** The name of a folder for this process; those of processes that are gone are removed. */
export function runFolder(): string {
  const all = join(imageHome(), "run");
  mkdirSync(all, { recursive: true, mode: 0o755 });
  endOrphans(imageHome());
  for (const name of readdirSync(all)) {
    if (!runs(Number.parseInt(name, 10))) rmSync(join(all, name), { recursive: true, force: true });
  }
  return join(all, `${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
}
