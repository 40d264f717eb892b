/**
 * Owns: cutting what a node says of itself to a size that can be sent: rows of a tree, texts of
 * values and exit reasons. What is left out is counted, never silently missing.
 * Does not own: what is said (view.ts), sending it (inspect.ts).
 */
import type { Detail, NodeView, ProcessRow } from "./view.ts";

/** Most processes in one answer: about 30 MB of it. */
const ROWS_MAX = 100_000;
/** Longest text of one value. @unit characters */
const TEXT_MAX = 4_000;
/** The same for an exit reason in a row of the tree; `show` has it in full. @unit characters */
const REASON_MAX = 300;
/** How deep reasons may hold reasons. */
const DEPTH_MAX = 4;

/** JSON knows no bigint; everything else that it does not know it leaves out by itself. */
export const plain = (_key: string, value: unknown) =>
  typeof value === "bigint" ? `${value}n` : value;

/** A tree cut to size: of each dynamic supervisor the first children, and never too many rows. */
export function boundTree(
  view: NodeView,
  childrenMax: number,
  rowsMax: number = ROWS_MAX,
): NodeView {
  let limit = Number.POSITIVE_INFINITY;
  for (;;) {
    const { rows, omitted } = firstChildren(view.processes, Math.min(limit, childrenMax), limit);
    if (rows.length <= rowsMax || limit === 0) {
      return { ...view, processes: rows.map(brief), omitted };
    }
    limit = Math.floor(Math.min(limit, rowsMax * 2) / 2);
  }
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));

function firstChildren(
  processes: readonly ProcessRow[],
  ofDynamic: number,
  ofOthers: number,
): { rows: ProcessRow[]; omitted: Record<string, number> } {
  const kept = new Map<string, { row: ProcessRow; children: number }>();
  const omitted: Record<string, number> = {};
  const cut = new Set<string>();
  for (const row of processes) {
    const parent = parentOf(row.path);
    const above = kept.get(parent);
    const max = above?.row.runs === "dynamic" ? ofDynamic : ofOthers;
    if (cut.has(parent)) cut.add(row.path);
    else if (above !== undefined && above.children >= max) {
      cut.add(row.path);
      omitted[parent] = (omitted[parent] ?? 0) + 1;
    } else {
      if (above !== undefined) above.children++;
      kept.set(row.path, { row, children: 0 });
    }
  }
  return { rows: [...kept.values()].map((each) => each.row), omitted };
}

type Reason = NonNullable<ProcessRow["lastExit"]>["reason"];

function brief(row: ProcessRow): ProcessRow {
  if (row.lastExit === null) return row;
  const { reason, atMs } = row.lastExit;
  return { ...row, lastExit: { reason: short(reason), atMs } };
}

/** An exit reason without stack and causes, its texts cut. */
function short(reason: Reason, depth = 0): Reason {
  const result: Reason = { tag: String(reason.tag).slice(0, REASON_MAX) };
  for (const [key, value] of Object.entries(reason)) {
    if (key === "tag" || key === "stack" || key === "cause") continue;
    if (typeof value === "string") result[key] = value.slice(0, REASON_MAX);
    else if (typeof value !== "object" || value === null) result[key] = value;
    else if (key === "reason") {
      if (depth < DEPTH_MAX) result.reason = short(value as Reason, depth + 1);
    } else {
      const text = textOf(value, REASON_MAX);
      result[key] = text.length >= REASON_MAX || text.startsWith("(") ? text : value;
    }
  }
  return result;
}

/** A detail whose spec holds no value beyond its limit: arguments may be of any size. */
export function boundDetail(detail: Detail): Detail {
  const spec: Detail["spec"] = {};
  for (const [key, value] of Object.entries(detail.spec)) {
    const text = textOf(value, TEXT_MAX);
    // What is long, or no JSON at all (a circle), is shown as text; the rest stays as it is.
    spec[key] = text.length >= TEXT_MAX || text.startsWith("(") ? text : value;
  }
  return { ...detail, spec };
}

/** A value as JSON text, cut; "" when there is none. */
function textOf(value: unknown, max: number): string {
  try {
    const text = JSON.stringify(value, plain) ?? "";
    return text.length > max ? `${text.slice(0, max)}… (${text.length} characters)` : text;
  } catch {
    return "(cannot be shown)";
  }
}
