/**
 * Owns: what a signal does to an actor: exit signals, kill, link, watch, suspend (SEMANTICS 17, 18, 25).
 * Does not own: signals that wait behind mail (cell.ts puts them into the mailbox).
 */
import type { Cell } from "./cell.ts";
import { catchUp } from "./durable-mail.ts";
import { bury, interrupt } from "./ending.ts";
import type { Notice } from "./mailbox.ts";
import type { Signal } from "./ports.ts";
import { mute, unmute } from "./resting.ts";

/** Signals that only write something down. */
const REGISTRATIONS: ReadonlySet<string> = new Set([
  "link",
  "unlink",
  "watch",
  "unwatch",
  "mute",
  "unmute",
]);

/** A signal has come: served in the actor's next turn, or put behind the mail that came before. */
export function receive(cell: Cell, signal: Signal): void {
  if (signal.kind === "down") {
    if (cell.own?.watching.has(signal.id)) cell.notice({ ...signal, kind: "down" });
    return;
  }
  if (signal.kind === "get_state") return cell.notice(signal);
  if (signal.kind === "nudge") return catchUp(cell);
  // At once and in no turn: an exit over this link may come before the next turn.
  if (REGISTRATIONS.has(signal.kind)) return onSignal(cell, signal);
  if (!cell.started && cell.kernel.callers.follows(signal)) return;
  const trapped = cell.behaviour.trapExit && cell.started;
  if (signal.kind === "exit" && trapped) {
    const { from: path, reason, linked } = signal;
    const notice: Notice = { kind: "exit", path, reason, linked };
    if (linked && !cell.own?.exitOver(path, notice)) return;
    return cell.notice(notice);
  }
  if (signal.kind === "shutdown" && trapped) {
    const { life, reason } = signal;
    if (life === 0 || life === cell.life) cell.notice({ kind: "stop", reason });
    return;
  }
  // Over a link: taken now, as a link made from here on is to whoever comes next.
  if (signal.kind === "exit" && signal.linked) {
    const exit = { ...signal, path: signal.from };
    if (!cell.own?.exitOver(signal.from, exit)) return;
    cell.signals.push(exit);
  } else {
    cell.signals.push(signal);
  }
  cell.kernel.schedule(cell);
}

/** Serves one signal of the lane that goes before mail. */
export function onSignal(cell: Cell, signal: Signal): void {
  switch (signal.kind) {
    case "kill":
      if (isFor(cell, signal.life)) bury(cell, { tag: "killed", by: signal.by });
      return;
    case "shutdown":
      // Not trapping, or not started yet: no last words, mail unread (9.7).
      if (isFor(cell, signal.life)) interrupt(cell, signal.reason);
      return;
    case "exit":
      if (signal.linked && !cell.more.exits.delete(signal as never)) return;
      return onExit(cell, signal);
    case "link":
      cell.more.links.add(signal.from);
      return;
    case "unlink":
      cell.more.unlink(signal.from);
      return;
    case "watch":
      cell.more.watchers.set(`${signal.from}#${signal.id}`, { from: signal.from, id: signal.id });
      return;
    case "unwatch":
      cell.more.watchers.delete(`${signal.from}#${signal.id}`);
      return;
    case "mute":
      return mute(cell, signal.by);
    case "unmute":
      return unmute(cell, signal.by);
    case "suspend":
      cell.more.suspended = true;
      return;
    case "resume":
      cell.more.suspended = false;
      return;
  }
}

const isFor = (cell: Cell, life: number) => life === 0 || life === cell.life;

/** An exit signal to an actor that does not trap exits. */
function onExit(cell: Cell, { from, reason, linked }: Extract<Signal, { kind: "exit" }>): void {
  if (reason.tag === "normal") return;
  if (!linked) return interrupt(cell, reason);
  // The origin is named once: a chain of links passes the first reason on unchanged.
  interrupt(cell, reason.tag === "linked" ? reason : { tag: "linked", to: from, reason });
}
