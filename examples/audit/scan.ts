/**
 * Owns the audit of one package: which of its files are code, in what order they are looked at, and
 * that nothing in it can fail more than its own row. The actors around it own when and how often.
 */
import { basename, extname, isAbsolute, resolve } from "node:path";
import { findCapabilities } from "./capability.ts";
import { Draft } from "./draft.ts";
import { limits } from "./limits.ts";
import { emptyManifest, readManifest } from "./manifest.ts";
import type { PackageAudit } from "./model.ts";
import { parseCode } from "./parse.ts";
import { type FileLook, lookAtFile, type Wanted } from "./read.ts";
import { formatBytes } from "./text.ts";
import { walkPackage } from "./walk.ts";

export interface ScanOptions {
  /** Ends the scan with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Awaited after every file: the caller's chance to do something else in between. */
  readonly pause?: () => unknown;
}

type Opened = Extract<FileLook, { ok: true }>;

/**
 * Audits the package at `relPath`, a path of `listPackages(projectDir)`. Whatever is wrong with the
 * package is in the result; it throws for a path which leaves the project, or the signal's reason.
 */
export async function scanPackage(
  projectDir: string,
  relPath: string,
  { signal, pause }: ScanOptions = {},
): Promise<PackageAudit> {
  if (isAbsolute(relPath) || relPath.split("/").some((part) => part === ".." || part === "")) {
    throw new Error(
      `Cannot audit the package ${JSON.stringify(relPath)}: its path leaves the project. ` +
        "Give a path which listPackages returned.",
    );
  }
  const draft = new Draft(relPath);
  for (const step of walkPackage(resolve(projectDir, relPath))) {
    signal?.throwIfAborted();
    if (step.kind === "problem") {
      draft.addProblem(step.problem.file, step.problem.kind, step.problem.what);
      continue;
    }
    if (draft.files >= limits.filesPerPackage) {
      draft.stop(`files: only the first ${limits.filesPerPackage} were looked at`);
      break;
    }
    scanFile(draft, step.file, step.path);
    await pause?.();
  }
  signal?.throwIfAborted();
  return draft.finish();
}

function scanFile(draft: Draft, file: string, path: string): void {
  const look = lookAtFile(path, wantedFrom(file));
  draft.files += 1;
  if (!look.ok) {
    if (file === "package.json") draft.manifest = emptyManifest(look.what);
    else draft.addProblem(file, "unreadable", look.what);
    if (isCode(file)) draft.skippedFiles += 1;
    return;
  }
  draft.bytes += look.bytes;
  const format = look.format ?? (nativeByName.test(file) ? "by name" : null);
  if (format !== null) draft.addNative(file, format, look.bytes);
  noteTopFile(draft, file, look);
  if (file !== "package.json" && look.isText) scanCode(draft, file, look);
}

function noteTopFile(draft: Draft, file: string, look: Opened): void {
  if (file === "package.json") draft.manifest = manifestOf(look);
  else if (file === "binding.gyp") draft.hasBindingGyp = true;
  else if (/^(licen[cs]e|copying|unlicense)([-._].*)?$/i.test(file)) draft.licenceFile ??= file;
}

function manifestOf(look: Opened) {
  if (look.text !== null) return readManifest(look.text);
  return emptyManifest(look.isText ? `not read: ${overLimit(look.bytes)}` : "not a text");
}

function scanCode(draft: Draft, file: string, look: Opened): void {
  if (look.text === null) {
    draft.skippedFiles += 1;
    draft.addProblem(file, "tooLarge", `not parsed: ${overLimit(look.bytes)}`);
    return;
  }
  if (draft.parsedBytes + look.bytes > limits.parseBytesPerPackage) {
    draft.skippedFiles += 1;
    draft.filesOverBudget += 1;
    return;
  }
  draft.parsedBytes += look.bytes;
  const parsed = parseCode(look.text, file);
  if (!parsed.ok) {
    draft.skippedFiles += 1;
    draft.addProblem(file, "syntax", parsed.what);
    return;
  }
  draft.parsedFiles += 1;
  draft.addFindings(file, look.text, findCapabilities(parsed.program, look.text));
}

const nativeByName = /\.(node|dll|dylib|exe|wasm|so(\.\d+)*)$/i;

function isCode(file: string): boolean {
  return /\.[cm]?js$/i.test(file);
}

function wantedFrom(file: string): Wanted {
  if (file === "package.json" || isCode(file)) return "text";
  // Commands often have no ending; only their first line tells.
  return extname(basename(file)) === "" ? "program" : "nothing";
}

function overLimit(bytes: number): string {
  return `${formatBytes(bytes)} is over the limit of ${formatBytes(limits.parseBytes)}`;
}
