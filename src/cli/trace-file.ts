/**
 * Owns: the bytes of a trace file, and the line numbers of what it holds.
 * Does not own: the format (sim/trace.ts).
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { ActorError } from "../actor/errors.ts";
import type { Io } from "./terminal.ts";

/** @throws E_USAGE when there is no such file, or none that can be read */
export function readFile(name: string, io: Io): Buffer {
  try {
    return readFileSync(resolve(io.cwd, name));
  } catch (cause) {
    const { code = "no reason given" } = cause as NodeJS.ErrnoException;
    const fact = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new ActorError("E_USAGE", fact, {
      at: name,
      fix: "give files of traces, one JSON object a line, gzipped or not",
      cause,
    });
  }
}

/** Line numbers of the traces of a file: blank lines hold none. */
export function linesOf(bytes: Buffer): number[] {
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (zipped ? gunzipSync(bytes) : bytes).toString("utf8");
  return text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [index + 1]));
}
