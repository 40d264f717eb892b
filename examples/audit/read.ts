/**
 * Owns how a file of a package is opened: once, never through a link, never waiting for a pipe, and
 * never more of it than a limit allows. It tells native binaries by their first bytes and hands out
 * text; what the text means is decided elsewhere.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { limits } from "./limits.ts";
import type { NativeFormat } from "./model.ts";
import { errorCode } from "./text.ts";

/** Whether the text of a file is wanted: always, only if it starts as a Node program, or never. */
export type Wanted = "text" | "program" | "nothing";

export type FileLook =
  | { readonly ok: false; readonly what: string }
  | {
      readonly ok: true;
      readonly bytes: number;
      readonly format: NativeFormat | null;
      /** The text was wanted and would have been code: a large file is one without its text. */
      readonly isText: boolean;
      readonly text: string | null;
    };

const headBytes = 256;
// Not on every platform; 0 changes nothing where a flag is missing.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

// Reading is synchronous, so one buffer per thread is enough for all files.
let shared: Buffer | null = null;

export function lookAtFile(path: string, wanted: Wanted): FileLook {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, openFlags);
    return lookAt(descriptor, wanted);
  } catch (error) {
    return { ok: false, what: `cannot be read: ${errorCode(error)}` };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function lookAt(descriptor: number, wanted: Wanted): FileLook {
  const stat = fstatSync(descriptor);
  // Checked again: the entry may have changed since its folder was read.
  if (!stat.isFile()) return { ok: false, what: "cannot be read: no longer a file" };
  const bytes = stat.size;
  shared ??= Buffer.allocUnsafe(limits.parseBytes);
  const whole = wanted === "text" && bytes <= limits.parseBytes;
  let read = fill(descriptor, shared, 0, whole ? bytes : Math.min(bytes, headBytes));
  const format = nativeFormat(descriptor, shared.subarray(0, Math.min(read, headBytes)));
  const isText = format === null && (wanted === "text" || (wanted === "program" && isNode(read)));
  if (!isText || bytes > limits.parseBytes) return { ok: true, bytes, format, isText, text: null };
  if (!whole) read = fill(descriptor, shared, read, bytes);
  const start = shared[0] === 0xef && shared[1] === 0xbb && shared[2] === 0xbf && read > 2 ? 3 : 0;
  return { ok: true, bytes, format, isText, text: shared.toString("utf8", start, read) };
}

/** Reads until the buffer holds `end` bytes of the file or the file is over. */
function fill(descriptor: number, buffer: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const got = readSync(descriptor, buffer, at, end - at, at);
    if (got === 0) break;
    at += got;
  }
  return at;
}

function isNode(read: number): boolean {
  const head = shared?.toString("latin1", 0, Math.min(read, headBytes)) ?? "";
  return /^#!.*\bnode(js)?\b/.test(head);
}

function nativeFormat(descriptor: number, head: Buffer): NativeFormat | null {
  if (head.length < 8) return null;
  const magic = head.readUInt32BE(0);
  switch (magic) {
    case 0x7f454c46:
      return "ELF";
    case 0x0061736d:
      return "WebAssembly";
    case 0xfeedface:
    case 0xfeedfacf:
    case 0xcefaedfe:
    case 0xcffaedfe:
      return "Mach-O";
    // Several programs in one file. Java classes begin the same way, with their version (45 and up)
    // where this has the number of programs.
    case 0xcafebabe:
    case 0xcafebabf:
      return head.readUInt32BE(4) < 45 ? "Mach-O" : null;
    default:
      return magic >>> 16 === 0x4d5a && isPortableExecutable(descriptor, head) ? "PE" : null;
  }
}

/** "MZ" alone is also how a text may begin: the header it points to decides. */
function isPortableExecutable(descriptor: number, head: Buffer): boolean {
  if (head.length < 0x40) return false;
  const signature = Buffer.alloc(4);
  const read = readSync(descriptor, signature, 0, 4, head.readUInt32LE(0x3c));
  return read === 4 && signature.toString("latin1") === "PE\0\0";
}
