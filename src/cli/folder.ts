/**
 * Owns: which data folder a command means that reads files and asks no node.
 * Does not own: which node a command means (observe/nodes.ts).
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { listNodes, startedIn } from "../observe/inspect.ts";
import type { Input } from "./arguments.ts";
import type { Io } from "./terminal.ts";

/** Where a node keeps its data if nobody says otherwise. */
const FOLDER = ".coppice";

/** The one that was named; else `.coppice`; else that of the only node which was started here. */
export async function folderOf(input: Input, io: Io): Promise<string> {
  const named = input.values.get("data");
  const folder = resolve(io.cwd, named ?? FOLDER);
  if (named !== undefined || existsSync(folder)) return folder;
  const data = startedIn(io.cwd, await listNodes()).flatMap((node) => node.data ?? []);
  return data.length === 1 ? (data[0] as string) : folder;
}
