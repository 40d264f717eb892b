/**
 * Owns: where a process keeps what its sandboxes need while they run: a folder of its own, in which a
 * disk lies, not memory; and removing what processes that were killed have left.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { imageHome } from "./image.ts";
import { endOrphans, runs } from "./processes.ts";

const folderOfRuns = () => join(imageHome(), "run");

/** Removes what processes that are gone have left. @returns names of the folders */
export function sweepRuns(): string[] {
  const all = folderOfRuns();
  const names = existsSync(all) ? readdirSync(all) : [];
  const gone = names.filter((name) => !runs(Number.parseInt(name, 10)));
  for (const name of gone) rmSync(join(all, name), { recursive: true, force: true });
  return gone;
}

/** The name of a folder for this process; those of processes that are gone are removed. */
export function runFolder(): string {
  mkdirSync(folderOfRuns(), { recursive: true, mode: 0o755 });
  endOrphans(imageHome());
  sweepRuns();
  return join(folderOfRuns(), `${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
}
