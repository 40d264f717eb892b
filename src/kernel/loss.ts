/**
 * Owns: what the loss of another thread means here: children there have ended, asks there are
 * answered, links and watches tell, and mailboxes are read again (SEMANTICS 30.1).
 */
import type { ExitReason } from "../actor/exit.ts";
import { Cell } from "./cell.ts";
import { catchUp } from "./durable-mail.ts";
import type { Kernel } from "./kernel.ts";
import { forgetAfar } from "./resting.ts";
import type { SupervisorCell } from "./supervisor-cell.ts";

/** Was the actor, or supervisor, of this path there? */
type Gone = (path: string, supervisor: boolean) => boolean;

/** Ends whatever depended on the thread. */
export function threadLost(kernel: Kernel, thread: number): void {
  // Before anything is started on the thread's successor.
  for (const [to, at] of kernel.forgetting) {
    if (at === thread) kernel.options.transport.send(thread, { kind: "forget", to });
  }
  const reason: ExitReason = { tag: "thread_lost", thread };
  const gone: Gone = (path, supervisor) => kernel.options.route(path, supervisor) === thread;
  kernel.asks.lost(gone, reason);
  kernel.lines.room(thread);
  for (const member of [...kernel.members.values()]) {
    if (member instanceof Cell) actorLoses(member, gone, reason);
    else supervisorLoses(member, gone, reason);
  }
}

function supervisorLoses(cell: SupervisorCell, gone: Gone, reason: ExitReason): void {
  for (const { life, spec, id } of [...cell.state.lives.values()]) {
    if (!gone(`${cell.path}/${id}`, spec.kind === "supervisor")) continue;
    cell.receive({ kind: "exited", to: cell.path, life, reason });
  }
}

function actorLoses(cell: Cell, gone: Gone, reason: ExitReason): void {
  const { kernel, path: to, own } = cell;
  for (const from of own?.links ?? []) {
    if (gone(from, false)) kernel.send({ kind: "exit", to, from, reason, linked: true }, null);
  }
  for (const [id, path] of own?.watching ?? []) {
    if (gone(path, false)) kernel.send({ kind: "down", to, id, path, reason }, null);
  }
  forgetAfar(cell, gone);
  catchUp(cell);
}
