/**
 * Owns: making and ending links and watches from inside of a handler.
 * Does not own: what comes of them when somebody ends (burial.ts, signals.ts).
 */
import type { Cell } from "./cell.ts";
import type { Envelope } from "./ports.ts";

export function watch(cell: Cell, to: string) {
  const { guard } = cell.kernel;
  const id = cell.kernel.nextId();
  cell.more.watching.set(id, to);
  tie(cell, { kind: "watch", to, from: cell.path, id });
  const cancel = () => {
    guard.pause();
    const had = cell.more.watching.delete(id);
    untie(cell, had, { kind: "unwatch", to, from: cell.path, id });
    guard.resume();
  };
  return { id, cancel };
}

export function link(cell: Cell, to: string) {
  const { guard } = cell.kernel;
  // What stands stays as it is: a second link could cross an unlink of the other side.
  if (cell.more.links.has(to)) cell.reductions++;
  else {
    cell.more.links.add(to);
    tie(cell, { kind: "link", to, from: cell.path });
  }
  const unlink = () => {
    guard.pause();
    const had = cell.more.unlink(to);
    untie(cell, had, { kind: "unlink", to, from: cell.path });
    guard.resume();
  };
  return { unlink };
}

/** A link or watch belongs to this incarnation, so a rerun in the next one makes it again. */
function tie(cell: Cell, envelope: Envelope): void {
  cell.reductions++;
  if (cell.slice === null) cell.kernel.send(envelope, cell);
  else cell.collect({ kind: "send", envelope });
}

/** Ends it from wherever it is called; a dead incarnation has none any more. */
function untie(cell: Cell, had: boolean, envelope: Envelope): void {
  if (cell.status === "exited") cell.kernel.fenced(cell, envelope.kind);
  else if (had) tie(cell, envelope);
}
