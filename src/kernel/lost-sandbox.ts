/**
 * Owns: the link between an actor and the sandbox of its tool call: a sandbox that is gone before its
 * command has ended is an exit over that link, as the end of any linked actor is.
 * Does not own: the other direction, a call that ends with its actor (belongings.ts, node/sandbox-link.ts).
 *
 * Gone: its machine or process ended from outside, or the host destroyed it because it broke the
 * protocol. A command that fails, runs into a limit or out of time has ended: that is its outcome.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Cell } from "./cell.ts";
import { receive } from "./signals.ts";
import type { ToolCall, ToolEnd } from "./tools.ts";

/** The link's exit comes before the call's answer: who does not trap exits ends, and it is not recorded. */
export function tellLost(cell: Cell, { path, tool }: ToolCall, end: ToolEnd): void {
  const gone = end.tag === "unknown" || end.tag === "hostile";
  // Without a tier no sandbox ran: an earlier life may have made the call.
  if (!gone || end.tier === null) return;
  const from = `${path}/sandbox:${tool.name}`;
  const message = `the ${end.tier} sandbox of tool ${tool.name} is gone: ${end.why}`;
  const reason: ExitReason = { tag: "error", name: "SandboxLost", message };
  // As long as the call ran.
  cell.more.links.add(from);
  receive(cell, { kind: "exit", to: path, from, reason, linked: true });
}
