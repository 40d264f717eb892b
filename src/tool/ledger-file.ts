/**
 * Owns: the books of durable accounts on disk: holds and settlements as lines behind a first line
 * that sums up everything before. A file that has grown is followed by the next one.
 * Does not own: the books (ledger.ts).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Amounts, COUNTED, type Extra } from "../actor/books.ts";
import { ActorError } from "../actor/errors.ts";
import { AppendFile } from "./append.ts";
import type { LedgerLine } from "./desk.ts";
import type { Ledger } from "./ledger.ts";

const FILE = /^quota-(\d{6})\.jsonl$/;
const fileOf = (number: number) => `quota-${String(number).padStart(6, "0")}.jsonl`;
const FILE_BYTES = 8 * 1_048_576;

/** An account as a file sums it up. */
interface Sum {
  readonly used: Record<string, number>;
  /** Wall time at which its time began. @unit ms since 1970 */
  at: number | null;
  extra: Extra;
}

/** (The third and fourth of a sum are absent in older files.) */
type Sums = readonly (readonly [string, Amounts, (number | null)?, Extra?])[];

type Line =
  | Exclude<LedgerLine, { began: string }>
  | { readonly began: string; readonly at: number }
  | { readonly sums: Sums };

/** The two clocks: times on disk must mean something to the next node. @unit ms */
export interface Clocks {
  readonly now: () => number;
  /** Since 1970. */
  readonly wall: () => number;
}

function linesOf(file: string): Line[] {
  const texts = readFileSync(file, "utf8").split("\n");
  // What stands behind the last line end was never confirmed to anybody.
  return texts.slice(0, -1).map((text, index) => {
    try {
      return JSON.parse(text) as Line;
    } catch (cause) {
      throw new ActorError("E_STORE_CORRUPT", "the books of the quotas are damaged", {
        at: `${file}:${index + 1}`,
        fix: "restore the file from a backup, or move it away: then all quotas begin anew",
        cause,
      });
    }
  });
}

const sumFor = (sums: Map<string, Sum>, path: string): Sum => {
  const sum = sums.get(path) ?? { used: {}, at: null, extra: {} };
  sums.set(path, sum);
  return sum;
};

const add = (sums: Map<string, Sum>, path: string, amounts: Amounts) => {
  const { used } = sumFor(sums, path);
  for (const each of COUNTED)
    if (each !== "memoryBytes") used[each] = (used[each] ?? 0) + (amounts[each] ?? 0);
};

function raised(extra: Extra, more: Extra): Extra {
  const sum: Record<string, number> = { ...extra };
  for (const [name, value] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

function begin(sums: Map<string, Sum>, list: Sums): void {
  for (const [path, amounts, at = null, extra = {}] of list) {
    add(sums, path, amounts);
    Object.assign(sumFor(sums, path), { at, extra });
  }
}

/** Sums of a file: what was held and never settled counts in full. */
function sumsOf(lines: readonly Line[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  const holds = new Map<string, Extract<Line, { hold: string }>>();
  for (const line of lines) {
    if ("sums" in line) begin(sums, line.sums);
    else if ("began" in line) sumFor(sums, line.began).at ??= line.at;
    else if ("raised" in line) {
      const sum = sumFor(sums, line.raised);
      sum.extra = raised(sum.extra, line.more);
    } else if ("hold" in line) holds.set(line.hold, line);
    else {
      const hold = holds.get(line.settle);
      holds.delete(line.settle);
      for (const path of hold?.paths ?? []) add(sums, path, line.spent ?? hold?.amounts ?? {});
    }
  }
  for (const { paths, amounts } of holds.values())
    for (const path of paths) add(sums, path, amounts);
  return sums;
}

/** The books of a node on disk. */
export class LedgerFile {
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #clocks: Clocks;
  readonly #fileBytes: number;
  #number: number;
  #file: AppendFile;
  #closing: Promise<unknown> = Promise.resolve();

  /** Reads what earlier nodes have spent. @throws ActorError E_STORE_CORRUPT */
  constructor(folder: string, ledger: Ledger, clocks: Clocks, fileBytes = FILE_BYTES) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const numbers = filesIn(folder);
    // The newest one whose first line is whole; a node may have died while it wrote that.
    const read = numbers.map((each) => linesOf(join(folder, fileOf(each))));
    const newest = read.findLast((lines) => lines[0] !== undefined && "sums" in lines[0]);
    for (const [path, { used, at, extra }] of sumsOf(newest ?? [])) {
      // A clock that was put back gives no time: it passed all the same.
      const firstMs = at === null ? null : clocks.now() - Math.max(clocks.wall() - at, 0);
      ledger.restore(path, { used, firstMs, extra });
    }
    this.#clocks = clocks;
    this.#folder = folder;
    this.#ledger = ledger;
    this.#fileBytes = fileBytes;
    this.#number = numbers.at(-1) ?? 0;
    this.#file = this.#next();
  }

  /** Has a node left books in this folder? */
  static exists(folder: string): boolean {
    return filesIn(folder).length > 0;
  }

  /** A file that begins with the sums; those before it go when they are on disk. */
  #next(): AppendFile {
    this.#number++;
    const file = new AppendFile(join(this.#folder, fileOf(this.#number)));
    const { now, wall } = this.#clocks;
    const sums = [...this.#ledger.durable()].map(([path, { used, firstMs, extra }]) => {
      const at = firstMs === null ? null : Math.round(wall() - (now() - firstMs));
      return [path, used, at, extra] as const;
    });
    const older = filesIn(this.#folder).filter((each) => each < this.#number);
    file.append(JSON.stringify({ sums } satisfies Line)).then(
      () => {
        for (const each of older) rmSync(join(this.#folder, fileOf(each)), { force: true });
      },
      () => {},
    );
    return file;
  }

  /** @returns when it is on disk */
  append(line: LedgerLine): Promise<void> {
    const kept: Line = "began" in line ? { ...line, at: Math.round(this.#clocks.wall()) } : line;
    const written = this.#file.append(JSON.stringify(kept));
    // Holds of the old file would be counted twice: it turns while there are none.
    if (this.#file.size >= this.#fileBytes && this.#ledger.holds === 0) {
      const full = this.#file;
      this.#file = this.#next();
      this.#closing = Promise.all([this.#closing, full.close()]);
    }
    return written;
  }

  async close(): Promise<void> {
    await this.#closing;
    await this.#file.close();
  }
}

function filesIn(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => FILE.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
