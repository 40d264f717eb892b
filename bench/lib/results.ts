/**
 * Owns: bench/results/<name>.json: figures to keep, with the machine, commit and date they were
 * taken on; merging new ones in. Does not own: the report made of it (report.ts).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { writeReport } from "../report.ts";
import { PROGRAMS } from "./catalogue.ts";
import { isMeasured, type Line } from "./measure.ts";

/** A line with when and on what it was taken. */
export type Kept = Line & {
  readonly date: string;
  readonly commit: string;
  readonly asked: number;
};

export interface Results {
  readonly machine: string;
  readonly lines: readonly Kept[];
}

export const fileOf = (name: string) => join(import.meta.dirname, "..", "results", `${name}.json`);

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const erlang = version("erl", ["-noshell", "-eval", OTP]);
  const system = `${platform()} ${release()}`;
  return [`${cpus().length} × ${model}`, memory, system, `Node ${process.version}`, erlang].join(
    ", ",
  );
}

const OTP = 'io:format("Erlang/OTP ~s", [erlang:system_info(otp_release)]), halt().';

function version(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8" }).trim();
  } catch {
    return `no ${command}`;
  }
}

/** The commit measured; "+" when files of src/ or bench/ differ from it. */
function commit(): string {
  const git = (...args: string[]) => version("git", args);
  const changed = git("status", "--porcelain", "--", "src", "bench/*.ts", "bench/*/*.ts");
  return git("rev-parse", "--short", "HEAD") + (changed === "" ? "" : "+");
}

const order = PROGRAMS.map(({ name }) => name);

/**
 * What stays of the old lines. A ratio to a figure of coppice that is there no longer does not: the
 * two were not measured together.
 */
export function staying(old: readonly Kept[], lines: readonly Line[]): Kept[] {
  const taken = (bench: string, peer: string) =>
    lines.some((line) => line.bench === bench && line.peer === peer);
  return old
    .filter(({ bench, peer }) => !taken(bench, peer))
    .map((line) => {
      if (!taken(line.bench, "coppice") || !isMeasured(line)) return line;
      const { coppiceTimes: _, ...rest } = line;
      return rest as Kept;
    });
}

/** Replaces the lines of the programs and peers measured; the others stay as they were. */
export function save(name: string, asked: number, lines: readonly Line[]): void {
  const file = fileOf(name);
  const old: Results = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : { machine: "", lines: [] };
  const taken = { date: new Date().toISOString().slice(0, 10), commit: commit(), asked };
  const kept = [...staying(old.lines, lines), ...lines.map((line) => ({ ...line, ...taken }))];
  const results: Results = {
    machine: machine(),
    lines: kept.sort((a, b) => order.indexOf(a.bench) - order.indexOf(b.bench)),
  };
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeReport(results);
}
