/**
 * Owns: what follows from an actor's end, in order: name free, timers and signals stopped, asks and
 * mail answered or kept, links and watchers told, supervisor told (SEMANTICS 17.2, 18.4, 26.1).
 * Does not own: deciding that it ends (cell.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import { failed, replyTo } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { absent, undeliverable } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import type { Mail } from "./ports.ts";
import { isBack } from "./telling.ts";

/** Everything a dead incarnation leaves behind. `open` is the ask it was just handling. */
export function settleEstate(
  kernel: Kernel,
  cell: Cell,
  reason: ExitReason,
  open: Mail | null,
): void {
  const { path, life } = cell;
  if (kernel.members.get(path) === cell) kernel.members.delete(path);
  if (open !== null || cell.own !== null || cell.waiting > 0) {
    answerWaiting(kernel, cell, reason, open);
  }
  if (cell.own !== null) tellOthers(kernel, cell, reason);
  const { incarnation } = cell;
  if (cell.started || !isBack(cell)) {
    kernel.emit({ type: "exited", path, life, incarnation, reason });
  }
  const to = cell.program.parentOf(path);
  if (cell.started) kernel.send({ kind: "exited", to, life, reason }, null);
  else kernel.send({ kind: "started", to, life, outcome: { error: reason } }, null);
}

/** Whoever waits for it is told, and its mail becomes dead letters where no store has it. */
export function answerWaiting(
  kernel: Kernel,
  cell: Cell,
  reason: ExitReason,
  open: Mail | null,
): void {
  // It came to see whether it is in the store, and is not: then there is nobody.
  const code = isBack(cell) && reason.tag === "no_actor" ? "no_actor" : "exited";
  const refuse = (mail: { from: string; ask: number }) =>
    kernel.send(replyTo(mail, failed(code, cell.path, reason)), null);
  // A message of a durable mailbox is still in the store: its asker waits for the next incarnation.
  if (open !== null && open.seq === 0) refuse(open);
  if (cell.own !== null) {
    for (const mail of cell.more.deferred) refuse(mail);
    for (const { id } of cell.more.asks) kernel.asks.abandon(id);
    for (const mail of cell.more.knocked) absent(kernel, mail);
    for (const item of cell.more.incoming) {
      if (item.kind === "get_state") refuse(item);
      // The store keeps it, if it knows the actor. (After the start it has it already.)
      else if (item.kind === "mail" && !cell.started) absent(kernel, item);
    }
    cell.more.incoming.clear();
  }
  if (cell.waiting === 0) return;
  for (const item of cell.mailbox) {
    if (item.kind === "get_state") refuse(item);
    else if (item.kind === "mail" && item.seq === 0) {
      undeliverable(kernel, item, "actor_exited", cell, reason);
    }
  }
  cell.mailbox.clear();
}

function tellOthers(kernel: Kernel, cell: Cell, reason: ExitReason): void {
  const { path: from } = cell;
  for (const to of cell.more.links) {
    kernel.send({ kind: "exit", to, from, reason, linked: true }, null);
  }
  for (const envelope of cell.more.untied) {
    const { to } = envelope;
    if (envelope.kind !== "unlink") kernel.send(envelope, null);
    else kernel.send({ kind: "exit", to, from, reason, linked: true }, null);
  }
  for (const { from: to, id } of cell.more.watchers.values()) {
    kernel.send({ kind: "down", to, id, path: from, reason }, null);
  }
  for (const [id, to] of cell.more.watching) {
    kernel.send({ kind: "unwatch", to, from, id }, null);
  }
}
