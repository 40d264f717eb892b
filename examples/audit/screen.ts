/**
 * Owns what the audit shows while it runs: the live tree with progress on a terminal, progress
 * lines otherwise. It only reads.
 */
import type { System } from "coppice";

type View = Awaited<ReturnType<System["inspect"]["tree"]>>;
type Row = View["processes"][number];

const BAR = 30;
/** Lines between two redraws are worth it only if people can read them. @unit ms */
const REDRAW_MS = 150;
const LINE_MS = 1_000;

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly restarts: number;
}

/** Shows progress until closed. */
export class Screen {
  readonly #system: System;
  readonly #out: NodeJS.WriteStream;
  readonly #began = performance.now();
  #lines = 0;
  #next = 0;

  constructor(system: System, out: NodeJS.WriteStream) {
    this.#system = system;
    this.#out = out;
  }

  async show(progress: Progress, last = false): Promise<void> {
    const now = performance.now();
    if (!last && now < this.#next) return;
    this.#next = now + (this.#out.isTTY ? REDRAW_MS : LINE_MS);
    const seconds = ((now - this.#began) / 1_000).toFixed(1);
    const { done, total, restarts } = progress;
    const line = `${done} of ${total} packages, ${restarts} restarts, ${seconds} s`;
    if (!this.#out.isTTY) {
      this.#out.write(`audited ${line}\n`);
      return;
    }
    const view = await this.#system.inspect.tree();
    const share = total === 0 ? 1 : done / total;
    const bar = "█".repeat(Math.round(share * BAR)).padEnd(BAR, "░");
    this.#draw([...drawTree(view), "", `${bar} ${line}`]);
  }

  /** Leaves the last picture standing. */
  close(): void {
    this.#lines = 0;
  }

  #draw(lines: string[]): void {
    const width = this.#out.columns || 80;
    const up = this.#lines > 0 ? `\x1b[${this.#lines}A` : "";
    const text = lines.map((line) => `\x1b[2K${line.slice(0, width - 1)}\n`).join("");
    this.#out.write(`${up}\x1b[?25l${text}\x1b[?25h`);
    this.#lines = lines.length;
  }
}

/** The tree with each dynamic supervisor's children summed up in one line. */
function drawTree(view: View): string[] {
  const dynamic = view.processes.filter((row) => row.runs === "dynamic").map((row) => row.path);
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
  const lines: string[] = [];
  for (const row of view.processes) {
    if (dynamic.includes(parentOf(row.path))) continue;
    const depth = row.path.split("/").length - 2;
    const name = row.path.slice(row.path.lastIndexOf("/") + 1);
    const label = `${"  ".repeat(depth)}${name}`.padEnd(16);
    const what = row.runs === "dynamic" ? summary(view.processes, row.path) : status(row);
    lines.push(
      `${label} ${row.kind === "actor" ? `#${row.incarnation}`.padEnd(5) : "     "}${what}`,
    );
  }
  return lines;
}

function status(row: Row): string {
  if (row.kind === "supervisor") {
    return `${row.runs}  ${row.restarts} of ${row.intensity} restarts in ${row.periodMs / 1_000} s`;
  }
  const mail = row.mail > 0 ? `  mail ${row.mail}` : "";
  return `${row.status.padEnd(10)} thread ${row.thread}${mail}  handled ${row.handled}`;
}

function summary(rows: readonly Row[], path: string): string {
  const counts = new Map<string, number>();
  for (const row of rows) {
    if (!row.path.startsWith(`${path}/`)) continue;
    counts.set(row.status, (counts.get(row.status) ?? 0) + 1);
  }
  const parts = [...counts].sort().map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? "dynamic  no children" : `dynamic  ${parts.join(", ")}`;
}
