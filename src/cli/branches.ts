/**
 * Owns: drawing a tree: branches, a line for each process, what is left out.
 * Does not own: what the tree says (observe/view.ts).
 */
import type { NodeView, ProcessRow } from "../observe/inspect.ts";
import { type Cell, type Io, statusStyle, table } from "./terminal.ts";
import { age, grouped, plural, reasonText, short, span, splitPath, statusText } from "./words.ts";

/** The lines of a tree, cut to the terminal. */
export function drawTree(view: NodeView, io: Io): string[] {
  const known = new Set(view.processes.map((each) => each.path));
  const children = new Map<string, ProcessRow[]>();
  const roots: ProcessRow[] = [];
  for (const row of view.processes) {
    const { parent } = splitPath(row.path);
    // A process whose supervisor's thread has just been lost stands by itself.
    const siblings = known.has(parent) ? (children.get(parent) ?? []) : roots;
    siblings.push(row);
    if (siblings !== roots) children.set(parent, siblings);
  }
  const rows: Cell[][] = [];
  const add = (row: ProcessRow, name: string, indent: string) => {
    rows.push(cellsOf(row, name, view.nowMs));
    const below = children.get(row.path) ?? [];
    const omitted = view.omitted?.[row.path] ?? 0;
    for (const [at, child] of below.entries()) {
      const last = at === below.length - 1 && omitted === 0;
      const own = `${indent}${last ? "└─ " : "├─ "}${splitPath(child.path).name}`;
      add(child, own, `${indent}${last ? "   " : "│  "}`);
    }
    if (omitted > 0) rows.push([{ text: `${indent}└─ … ${grouped(omitted)} more`, style: "dim" }]);
  };
  for (const root of roots) add(root, root.path, "");
  return table(rows, io);
}

function cellsOf(row: ProcessRow, name: string, nowMs: number): Cell[] {
  const lead: Cell[] = [name, { text: `#${row.incarnation}`, style: "dim" }];
  const status: Cell = { text: statusText(row.status), style: statusStyle(row.status) };
  const notes: string[] = [];
  if (row.lastExit !== null) {
    const { reason, atMs } = row.lastExit;
    notes.push(`last exit: ${reasonText(reason)}, ${age(nowMs - atMs)} ago`);
  }
  if (row.kind === "actor") {
    if (row.moves > 0) notes.unshift(`moved to thread ${row.thread}`);
    const mail = `mail ${grouped(row.mail)}`;
    return [...lead, status, mail, `${short(row.reductions)} red`, note(notes)];
  }
  if (row.restarts > 0) notes.unshift(`${plural(row.restarts, "restart")} in window`);
  if (row.mail > 0) notes.unshift(`mail ${grouped(row.mail)}`);
  const limit = `${row.intensity} in ${span(row.periodMs)}`;
  // A supervisor at rest needs no word for it; its strategy says more.
  const state: Cell = row.status === "idle" ? "" : status;
  return [...lead, row.runs, limit, state, note(notes)];
}

const note = (notes: readonly string[]): Cell => ({ text: notes.join("  "), style: "dim" });
