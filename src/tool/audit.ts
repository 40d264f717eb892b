/**
 * Owns: the record of decisions about tool calls: a chain in which each line carries the hash of the
 * one before it, so that a line that was changed, taken out or put in breaks it. In files of bounded
 * size; the oldest go first. Does not own: deciding (policy.ts), printing (cli/).
 *
 * What it cannot show: that its end was cut off, or all of it written anew. For that compare the
 * last hash with one that is kept elsewhere. Inputs and outputs are not in it: they may be secret.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { ActorError } from "../actor/errors.ts";
import { AppendFile } from "./append.ts";

/** What is kept of a decision. */
export interface AuditRecord {
  readonly path: string;
  readonly tool: string;
  readonly key: string;
  readonly decision: "allow" | "deny" | "ask";
  readonly why: string;
  readonly by: string;
}

/** A line of the record. */
export interface AuditLine extends AuditRecord {
  readonly seq: number;
  /** Wall time, ISO 8601. */
  readonly at: string;
  /** Hash of the line before, of 64 zeros for the first. */
  readonly prev: string;
  readonly hash: string;
}

/** Where the chain is: number and hash of its last line. */
interface Head {
  readonly seq: number;
  readonly hash: string;
}

const NOTHING: Head = { seq: 0, hash: "0".repeat(64) };

/** Size of one file, and how many are kept. */
const FILE_BYTES = 16 * 1_048_576;
const FILES_MAX = 64;
const FILE = /^audit-(\d{6})\.jsonl$/;
const fileOf = (number: number) => `audit-${String(number).padStart(6, "0")}.jsonl`;

/** Fields in one order: the hash is of this text. */
function hashOf({ seq, at, path, tool, key, decision, why, by, prev }: Omit<AuditLine, "hash">) {
  const text = JSON.stringify([prev, seq, at, path, tool, key, decision, why, by]);
  return createHash("sha256").update(text).digest("hex");
}

/** The next line of a chain. */
export function chained(record: AuditRecord, at: string, head: Head): AuditLine {
  const { path, tool, key, decision, why, by } = record;
  const line = { seq: head.seq + 1, at, path, tool, key, decision, why, by, prev: head.hash };
  return { ...line, hash: hashOf(line) };
}

/** The files of a record in a data folder, oldest first. */
function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => FILE.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** A record as it was read. `fault` is where it is broken first, and how. */
export interface AuditReading {
  readonly lines: AuditLine[];
  readonly files: number;
  /** Lines before the first kept one, gone with files that were too old. */
  readonly dropped: number;
  readonly head: Head;
  readonly fault: { readonly at: string; readonly what: string } | null;
}

function parsed(text: string): AuditLine | null {
  try {
    const line = JSON.parse(text) as AuditLine;
    return typeof line === "object" && line !== null && typeof line.seq === "number" ? line : null;
  } catch {
    return null;
  }
}

function faultOf(line: AuditLine | null, before: Head | null): string | null {
  if (line === null) return "it is no line of a record";
  if (before !== null && line.seq !== before.seq + 1) {
    return `its number is ${line.seq}, ${before.seq + 1} should follow`;
  }
  if (before !== null && line.prev !== before.hash) return "it does not follow the line before it";
  return hashOf(line) === line.hash ? null : "it was changed: its hash is of another text";
}

/** Reads and checks a record. The last line may be half: a node that was killed wrote it. */
export function readAudit(folder: string): AuditReading {
  const files = filesIn(folder);
  const lines: AuditLine[] = [];
  let head: Head | null = null;
  const over = (fault: AuditReading["fault"]): AuditReading => ({
    lines,
    files: files.length,
    dropped: (lines[0]?.seq ?? 1) - 1,
    head: head ?? NOTHING,
    fault,
  });
  for (const file of files) {
    const texts = readFileSync(file, "utf8").split("\n");
    const rest = texts.pop() ?? "";
    for (const [index, text] of texts.entries()) {
      const line = parsed(text);
      const what = faultOf(line, head);
      if (what !== null) return over({ at: `${file}:${index + 1}`, what });
      lines.push(line as AuditLine);
      head = line as AuditLine;
    }
    if (rest !== "" && file !== files.at(-1)) {
      return over({ at: `${file}:${texts.length + 1}`, what: "it ends in the middle of a line" });
    }
  }
  return over(null);
}

/** A node that was killed may have left half a line, which nobody was told of. */
function cutHalfLine(file: string): void {
  const text = readFileSync(file);
  const end = text.lastIndexOf(10) + 1;
  if (end < text.length) truncateSync(file, end);
}

/** The record of a running node. */
export class Audit {
  readonly #folder: string;
  readonly #fileBytes: number;
  #file: AppendFile;
  #number: number;
  #head: Head;
  #closing: Promise<unknown> = Promise.resolve();

  /**
   * Goes on where the last node was.
   *
   * @throws ActorError E_AUDIT_BROKEN when what is there does not hold together
   */
  constructor(folder: string, fileBytes = FILE_BYTES) {
    const { head, fault } = readAudit(folder);
    if (fault !== null) {
      throw new ActorError("E_AUDIT_BROKEN", `the record of decisions is broken: ${fault.what}`, {
        at: fault.at,
        fix: "find out who wrote there; then move the audit-*.jsonl files away to begin a new one",
      });
    }
    const last = filesIn(folder).at(-1);
    this.#folder = folder;
    this.#fileBytes = fileBytes;
    this.#head = head;
    if (last !== undefined) cutHalfLine(last);
    this.#number = last === undefined ? 1 : Number(FILE.exec(last.split("/").at(-1) ?? "")?.[1]);
    this.#file = new AppendFile(join(folder, fileOf(this.#number)));
  }

  /** @returns when it is on disk. @throws (rejects) what the disk says */
  append(record: AuditRecord, at = new Date().toISOString()): Promise<void> {
    const line = chained(record, at, this.#head);
    this.#head = line;
    if (this.#file.size >= this.#fileBytes) this.#turn();
    return this.#file.append(JSON.stringify(line));
  }

  #turn(): void {
    const full = this.#file;
    this.#closing = Promise.all([this.#closing, full.close()]);
    this.#number++;
    this.#file = new AppendFile(join(this.#folder, fileOf(this.#number)));
    for (const old of filesIn(this.#folder).slice(0, -FILES_MAX)) rmSync(old, { force: true });
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#closing;
    await this.#file.close();
  }
}
