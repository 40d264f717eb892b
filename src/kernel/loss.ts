/**
 * Owns: what the loss of another thread means here: children there have ended, asks there are
 * answered, links and watches tell, and mailboxes are read again (SEMANTICS 30.1).
 */
import type { ExitReason } from "../actor/exit.ts";
import { Cell } from "./cell.ts";
import { catchUp } from "./durable-mail.ts";
import type { Kernel } from "./kernel.ts";
import { forgetAfar } from "./resting.ts";
import { SupervisorCell } from "./supervisor-cell.ts";

/** Was the actor, or supervisor, of this path there? */
type Gone = (path: string, supervisor: boolean) => boolean;

/** Of actors away from home the control thread says what has become (transfers.ts). */
function atHomeOn(kernel: Kernel, thread: number): Gone {
  const { away } = kernel.moves;
  return (path, supervisor) => kernel.options.route(path, supervisor) === thread && !away.has(path);
}

/** Ends whatever depended on the thread. */
export function threadLost(kernel: Kernel, thread: number): void {
  // Before anything is started on the thread's successor.
  kernel.forgetting.lost(thread);
  const reason: ExitReason = { tag: "thread_lost", thread };
  kernel.moves.lost(thread);
  kernel.transfers?.lost(thread, reason);
  kernel.lines.room(thread);
  const gone = atHomeOn(kernel, thread);
  conclude(kernel, gone, reason);
  for (const member of [...kernel.members.values()]) {
    if (member instanceof SupervisorCell) supervisorLoses(member, gone, reason);
  }
  // Nobody is left to say that it has stored mail for those who are asleep.
  for (const member of kernel.members.values()) {
    if (member instanceof SupervisorCell && member.started) member.sleepers?.look();
  }
  for (const member of kernel.members.values()) if (member instanceof Cell) catchUp(member);
  kernel.moves.admit();
}

/** Ends what asks, links and watches of actors who are gone have held here. */
export function conclude(kernel: Kernel, gone: Gone, reason: ExitReason): void {
  kernel.asks.lost(gone, reason);
  kernel.callers.lose((path) => gone(path, false), reason);
  for (const member of [...kernel.members.values()]) {
    if (member instanceof Cell) actorLoses(member, gone, reason);
  }
}

/** The same for one actor that was under way when the thread was lost. */
export function concludeFor(cell: Cell, thread: number): void {
  actorLoses(cell, atHomeOn(cell.kernel, thread), { tag: "thread_lost", thread });
  catchUp(cell);
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
}
