/**
 * Owns: how measurements are shown to a reader: one block a program, each peer with its rate and how
 * many times slower or faster coppice is. Does not own: the report in Markdown (report.ts).
 */
import { isMeasured, type Line, type Measurement } from "./measure.ts";

/** 1,234,567 → "1.23M". */
export function short(value: number): string {
  for (const [size, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)}${letter}`;
  }
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

const COMMON = "bench peer unit n seconds opsPerS runs opsPerSMin opsPerSMax coppiceTimes".split(
  " ",
);

/** What a program measures besides its rate: "p50Us 12.3 · p99Us 45". */
export function figures(line: Measurement): string {
  return Object.entries(line)
    .filter(([name]) => !COMMON.includes(name))
    .map(([name, value]) => `${name} ${typeof value === "number" ? short(value) : value}`)
    .join(" · ");
}

/** The lines of one program. */
export function block(lines: readonly Line[]): string {
  return lines.map((line) => `  ${row(line)}\n`).join("");
}

function row(line: Line): string {
  const peer = line.peer.padEnd(10);
  if (!isMeasured(line)) {
    return line.skipped ? `${peer} skipped: ${line.skipped}` : `${peer} FAILED: ${line.failed}`;
  }
  const rate = `${short(line.opsPerS)} ${line.unit}s/s`.padEnd(22);
  const range = `${short(line.opsPerSMin)} … ${short(line.opsPerSMax)}`.padEnd(18);
  const other = line.coppiceTimes === undefined ? "" : `coppice ${line.coppiceTimes.toFixed(2)}×`;
  return [peer, rate, range, other.padEnd(16), figures(line)].join(" ").trimEnd();
}
