/**
 * Owns: the limit of a durable actor's state: one that has grown over it is refused when the message
 * that made it is finished, as if its handler had thrown. So nothing of that message is committed,
 * and what was finished before it stands.
 * Does not own: how long a state is in a store (ports.ts Committer).
 */
import { IGNORE } from "../actor/actor.ts";
import { ActorError } from "../actor/errors.ts";
import type { Cell } from "./cell.ts";

/** Why what was returned must not be committed; null: it may, or it is no state. */
export function oversize(cell: Cell, state: unknown): ActorError | null {
  const { stateMaxBytes } = cell.spec;
  if (stateMaxBytes === null || state === undefined || state === IGNORE) return null;
  const size = cell.kernel.committer.sizeOf(state);
  if (size <= stateMaxBytes) return null;
  // The reason of the end has the message only, so the remedy is in there too.
  const fix = "keep what grows (a transcript, files) behind a tool, or raise stateMax";
  const fact = `E_STATE_SIZE: a state of ${size} bytes, and stateMax is ${stateMaxBytes}: ${fix}`;
  return new ActorError("E_STATE_SIZE", fact, { at: cell.path, fix });
}
