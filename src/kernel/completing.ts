/**
 * Owns: whom it concerns that something asked of the committer is done.
 * Does not own: what follows from it for an actor (cell.ts, commits.ts) or a supervisor (sleepers.ts).
 */
import { Cell } from "./cell.ts";
import { enqueued } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import type { Completion } from "./ports.ts";
import { SupervisorCell } from "./supervisor-cell.ts";

export function complete(kernel: Kernel, completion: Completion): void {
  if (completion.kind === "enqueued") return enqueued(kernel, completion);
  if (completion.kind === "forgotten") return kernel.forgetting.done(completion);
  if (completion.kind === "flushed") return kernel.outgoing.answered();
  const { path } = completion;
  const member = kernel.members.get(path) ?? kernel.moves.departures.parting(path);
  switch (completion.kind) {
    case "listed":
      if (member instanceof SupervisorCell) member.listed(completion.children);
      return;
    case "paged":
    case "due":
      if (member instanceof SupervisorCell && member.life === completion.life) {
        member.told(completion);
      }
      return;
  }
  const cell = member instanceof Cell && member.life === completion.life ? member : null;
  if (completion.kind === "loaded") return cell?.loaded(completion);
  kernel.outgoing.committed(completion, cell);
}
