/**
 * Owns: what becomes of an envelope from another thread, or from outside, when it has come in.
 * Does not own: mail for who lives here (kernel.ts, the hot path).
 */
import { ActorError, ERROR_CODES } from "../actor/errors.ts";
import { Cell } from "./cell.ts";
import { stamped } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import type { Move } from "./moving.ts";
import type { Envelope, Signal } from "./ports.ts";
import { SupervisorCell } from "./supervisor-cell.ts";
import { isBack } from "./telling.ts";

/** Everything but mail for an actor that lives here. */
export function arrive(kernel: Kernel, envelope: Envelope): void {
  const { kind } = envelope;
  if (kind === "start") return begin(kernel, envelope);
  if (kind === "forget") return kernel.forgetting.obey(envelope.to, envelope.by);
  if (kind === "nobody") return kernel.callers.gone(envelope.to);
  if (kind === "forgotten") return kernel.forgetting.confirmed(envelope.to);
  if (kind === "move") {
    if (!kernel.transfers?.receive(envelope)) kernel.moves.receive(envelope);
    return;
  }
  if (kind !== "reply" && kernel.moves.isStray(envelope)) {
    return kernel.moves.turnAway(envelope);
  }
  if (kind === "mail" && envelope.stamp !== undefined) return stamped(kernel, envelope);
  kernel.send(envelope, null);
}

/** A step of a move, to another thread or to this one. */
export function say(kernel: Kernel, thread: number, move: Move): void {
  if (thread === kernel.thread) arrive(kernel, move);
  else kernel.options.transport.send(thread, move);
}

/** A new incarnation. */
export function begin(kernel: Kernel, start: Extract<Signal, { kind: "start" }>): void {
  if (kernel.members.has(start.to)) {
    throw new ActorError("E_INTERNAL", `${ERROR_CODES.E_INTERNAL}: S1, two lives of ${start.to}`);
  }
  const { to: path, life, incarnation, spec } = start;
  const actor = spec.kind === "actor" ? spec : null;
  const member = actor
    ? new Cell(kernel.programs.of(actor), start)
    : new SupervisorCell(kernel, start);
  kernel.members.set(path, member);
  const behaviour = actor?.behaviour.name ?? "supervisor";
  if (!(member instanceof Cell && isBack(member))) {
    kernel.emit({ type: "starting", path, life, incarnation, behaviour });
  }
  if (actor?.durable) kernel.durablePaths.add(path);
  if (member instanceof Cell) kernel.callers.begins(member);
  kernel.schedule(member);
}
