/**
 * Owns: what the processes of a node did between two looks at it, as rates and as a table.
 * Does not own: the counters (kernel/), which are read twice and subtracted.
 */
import type { NodeView, ProcessRow } from "../observe/inspect.ts";
import { type Cell, type Io, statusStyle, styled, table } from "./terminal.ts";
import { grouped, short, statusText } from "./words.ts";

/** What processes can be sorted by. */
export const ORDERS = ["reductions", "mailbox", "handled", "restarts"] as const;
export type Order = (typeof ORDERS)[number];

/** A process within a window. */
export interface TopRow {
  path: string;
  runs: string;
  thread: number;
  status: string;
  mailbox: number;
  /** Per second. */
  reductions: number;
  /** Per second. @unit messages */
  handled: number;
  /** Starts after the first. */
  restarts: number;
  /** To another thread, in this life. */
  moves: number;
}

/** What happened between two looks, most first. */
export function compare(before: NodeView, after: NodeView, by: Order): TopRow[] {
  const seconds = Math.max(1, after.nowMs - before.nowMs) / 1_000;
  const old = new Map(before.processes.map((each) => [each.path, each]));
  const rate = (row: ProcessRow, counter: "reductions" | "handled") => {
    const then = old.get(row.path);
    // A new life counts from zero.
    const sameLife = then?.incarnation === row.incarnation && then[counter] <= row[counter];
    return Math.round((row[counter] - (sameLife ? then[counter] : 0)) / seconds);
  };
  const rows = after.processes.map((row): TopRow => {
    const { path, runs, thread, status, mail, incarnation, moves } = row;
    const rates = { reductions: rate(row, "reductions"), handled: rate(row, "handled") };
    const restarts = Math.max(0, incarnation - 1);
    return { path, runs, thread, status, mailbox: mail, ...rates, restarts, moves };
  });
  return rows.sort((a, b) => b[by] - a[by] || b.reductions - a.reductions);
}

const TITLES: readonly Cell[] = [
  "PATH",
  "RUNS",
  ...["THREAD", "MAIL", "RED/S", "HANDLED/S", "RESTARTS", "MOVES"].map((text) => ({
    text,
    right: true,
  })),
  "STATUS",
];

/** The lines of a table with titles. */
export function drawRates(rows: readonly TopRow[], io: Io): string[] {
  const number = (text: string): Cell => ({ text, right: true });
  const cells = rows.map((row): Cell[] => [
    row.path,
    row.runs,
    number(String(row.thread)),
    number(grouped(row.mailbox)),
    number(short(row.reductions)),
    number(short(row.handled)),
    number(grouped(row.restarts)),
    number(grouped(row.moves)),
    { text: statusText(row.status), style: statusStyle(row.status) },
  ]);
  const [titles = "", ...lines] = table([TITLES, ...cells], io);
  return [styled(titles, "bold", io), ...lines];
}
