/**
 * Owns: what happens to an envelope at its receiver's thread: accepted, too much, or nobody there.
 * Does not own: transport between threads (node/), mailboxes themselves.
 * Invariant: K8 every accepted message is handled, still queued, or a dead letter.
 */
import type { ExitReason } from "../actor/exit.ts";
import { goAhead, goesAhead, numbered } from "./ahead.ts";
import { failed, replyTo } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { acceptDurable, withdraw } from "./durable-mail.ts";
import type { DeadReason } from "./events.ts";
import type { Kernel } from "./kernel.ts";
import type { Answer, Completion, Envelope, Mail, Stamp } from "./ports.ts";
import { isAfar } from "./resting.ts";

/** Puts mail into a mailbox, or through the store first if the receiver is durable. */
export function accept(kernel: Kernel, cell: Cell, mail: Mail, sender: Cell | null): void {
  if (cell.slice !== null || mail.seq > 0) return acceptStored(kernel, cell, mail, sender);
  if (cell.waiting < cell.program.mailboxMax || admit(kernel, cell, mail, sender)) cell.put(mail);
}

/** Of a durable actor, or numbered by a store. */
function acceptStored(kernel: Kernel, cell: Cell, mail: Mail, sender: Cell | null): void {
  if (mail.seq > 0) {
    // Already read when this incarnation was restored, or a duplicate of it.
    if (cell.slice === null || mail.seq <= cell.more.watermark) return;
  } else if (kernel.moves.departures.parting(mail.to) === cell) {
    // By a ref that has reached it before: from now on it is reached at its new place.
    return kernel.send(mail, sender);
  } else if (cell.waiting >= cell.spec.mailboxMax && !admit(kernel, cell, mail, sender)) {
    return;
  }
  if (goesAhead(cell, mail, sender)) goAhead(cell, mail);
  else acceptDurable(kernel, cell, mail);
}

/** A full mailbox: the sender rests (up to twice the bound), or the message is refused. */
function admit(kernel: Kernel, cell: Cell, mail: Mail, sender: Cell | null): boolean {
  const { overflow, mailboxMax } = cell.spec;
  const { from: to } = mail;
  const afar = sender === null && isAfar(kernel, to);
  const mute = overflow === "mute" && (sender !== null || afar) && cell.waiting < 2 * mailboxMax;
  if (!mute) {
    undeliverable(kernel, mail, "mailbox_full", cell);
    return false;
  }
  // Who leaves will say so itself where it arrives; the dead let nobody go on any more.
  if (cell.own?.leaving || cell.status === "exited") return true;
  if (sender === null) {
    if (!cell.more.mutingAfar.has(to)) {
      cell.more.mutingAfar.add(to);
      kernel.send({ kind: "mute", to, by: cell.path }, null);
    }
    return true;
  }
  // A sender that is itself overloaded goes on, else two full actors would wait for each other.
  const overloaded = sender.mailbox.size * 2 >= sender.spec.mailboxMax;
  if (!overloaded && sender !== cell && !cell.more.muting.has(sender)) {
    cell.more.muting.add(sender);
    sender.more.mutedBy++;
    kernel.emit({ type: "muted", path: sender.path, by: cell.path });
  }
  return true;
}

/** Its id was there before: it is not kept; who asked gets the answer that was given then. */
function repeated(kernel: Kernel, cell: Cell | null, mail: Mail, answer: Answer | null): void {
  if (cell !== null) withdraw(cell, mail);
  kernel.emit({ type: "repeated", path: mail.to, message: mail.type, id: mail.stamp?.id ?? "" });
  if (mail.stamp?.receipt) confirm(kernel, mail, { ok: true, value: null });
  if (mail.ask !== 0) kernel.send(replyTo(mail, answer ?? failed("duplicate", mail.to)), null);
}

/** Tells the sender what became of a message that he wants to know of. */
function confirm(kernel: Kernel, { from, stamp }: Mail, answer: Answer): void {
  kernel.send(replyTo({ from, ask: (stamp as Stamp).receipt }, answer), null);
}

/** A tell from outside with an id, or to be told when it is stored: then `done` is called once. */
export function submit(
  kernel: Kernel,
  mail: Mail,
  id: string,
  done: ((answer: Answer) => void) | null,
): void {
  const receipt = done === null ? 0 : kernel.asks.outside(mail.to, false, Infinity, done);
  mail.stamp = { id, receipt, atMs: 0 };
  stamped(kernel, mail);
}

/** Mail with an id, or whose sender wants to know that it is stored: for durable actors only. */
export function stamped(kernel: Kernel, mail: Mail): void {
  const member = kernel.members.get(mail.to);
  const known = member !== undefined && "slice" in member ? member : null;
  if (known === null || known.slice !== null) {
    mail.stamp = { ...(mail.stamp as Stamp), atMs: kernel.calendar.wall(kernel.nowMs) };
    return kernel.send(mail, null);
  }
  undeliverable(kernel, mail, "not_durable", known);
}

/** The store has numbered mail, or refused it: number 0. */
export function enqueued(
  kernel: Kernel,
  { mail, again, ahead }: Extract<Completion, { kind: "enqueued" }>,
): void {
  const { members, moves } = kernel;
  if (kernel.outgoing.isEarly(mail)) return;
  const member = members.get(mail.to) ?? moves.departures.parting(mail.to) ?? undefined;
  const cell = member !== undefined && "slice" in member ? member : null;
  if (again !== undefined) return repeated(kernel, cell, mail, again.answer);
  // (If that life is gone, the mail is for whoever lives there now.)
  if (ahead !== undefined && cell?.life === ahead) return numbered(cell, mail);
  if (mail.seq > 0 && mail.stamp?.receipt) confirm(kernel, mail, { ok: true, value: null });
  if (mail.seq === 0 && mail.via !== undefined) {
    // The timer fired before, or belongs to a newer life: that is seen to there.
    return;
  }
  if (cell !== null && cell.slice !== null && !cell.started) {
    // Sent before this incarnation was there: it goes before all that has come since.
    return void cell.more.knocked.push(mail);
  }
  if (cell !== null) return accept(kernel, cell, mail, null);
  if (mail.seq > 0 || member !== undefined) return kernel.send(mail, null);
  // Number 0: the store does not know this actor (any more).
  kernel.durablePaths.delete(mail.to);
  undeliverable(kernel, mail, "no_actor", null);
}

/** Nobody lives at this path on this thread. */
export function absent(kernel: Kernel, envelope: Envelope): void {
  if (kernel.moves.keeps(envelope) || kernel.callers.takes(envelope)) return;
  unreachable(kernel, envelope);
}

/** Nor is anybody to be brought back. */
export function unreachable(kernel: Kernel, envelope: Envelope): void {
  const { to } = envelope;
  switch (envelope.kind) {
    case "mail":
      // The store has it, and the next incarnation reads it there.
      if (envelope.seq > 0) return;
      if (kernel.durablePaths.has(to) || kernel.options.durable?.(to)) {
        return kernel.committer.enqueue(envelope);
      }
      return undeliverable(kernel, envelope, "no_actor", null);
    case "link": {
      const reason = nobody(kernel, to);
      return kernel.send({ kind: "exit", to: envelope.from, from: to, reason, linked: true }, null);
    }
    case "watch": {
      const { from, id } = envelope;
      const reason = nobody(kernel, to);
      return kernel.send({ kind: "down", to: from, id, path: to, reason }, null);
    }
    case "started":
    case "exited":
      if (to.startsWith("~")) kernel.options.onRoot?.(envelope);
      return;
    case "wake":
      return kernel.callers.tellGone(`${to}/${envelope.id}`);
    case "call":
    case "get_state":
      return kernel.send(replyTo(envelope, failed("no_actor", to)), null);
  }
}

/** Why a link or watch ends at once. */
function nobody(kernel: Kernel, path: string): ExitReason {
  return { tag: kernel.options.elsewhere?.has(path) ? "other_node" : "no_actor", path };
}

/** The answer that whoever asked gets when a message cannot be delivered. */
const REFUSAL = {
  no_actor: "no_actor",
  actor_exited: "exited",
  mailbox_full: "overloaded",
  unknown_type: "E_MESSAGE_TYPE",
  bad_message: "E_MESSAGE_SCHEMA",
  max_deliveries: "exited",
  not_durable: "refused",
} as const;

/** A message nobody handles: kept as a dead letter; whoever asked is told. */
export function undeliverable(
  kernel: Kernel,
  mail: Mail,
  reason: DeadReason,
  cell: Cell | null,
  exit?: ExitReason,
): void {
  kernel.dead.add(mail, reason, kernel.nowMs);
  const { to: path, type: message, from } = mail;
  kernel.emit({ type: "dead_letter", path, message, from, reason });
  const answer = mail.ask !== 0 || mail.stamp?.receipt ? failed(REFUSAL[reason], path, exit) : null;
  if (mail.ask !== 0 && answer !== null) kernel.send(replyTo(mail, answer), null);
  if (mail.stamp?.receipt && mail.seq === 0 && answer !== null) confirm(kernel, mail, answer);
  if (cell?.slice && mail.seq > 0 && reason === "unknown_type") {
    cell.slice.bury(mail, { tag: "bad_start", code: "E_MESSAGE_TYPE", message });
  }
}
