/**
 * Owns: the statuses of an actor's life and the edges between them (DESIGN §8).
 */

/**
 * Where an actor is in its life (DESIGN §8). A message of an ephemeral one is `running` only from its
 * first await on: until then nobody else could see it, and `active` tells.
 */
export type Status =
  | "starting"
  | "idle"
  | "running"
  | "parked"
  | "committing"
  | "stopping"
  | "exited";

/** Edges of the life; anything else is a bug of ours. */
const EDGES: Record<Status, readonly Status[]> = {
  starting: ["idle", "exited"],
  idle: ["running", "committing", "stopping", "exited"],
  running: ["idle", "parked", "stopping", "exited"],
  parked: ["idle", "stopping", "exited"],
  committing: ["idle", "stopping", "exited"],
  stopping: ["stopping", "exited"],
  exited: [],
};

/** May a life go from one status to the other? */
export const mayBecome = (from: Status, to: Status): boolean => EDGES[from].includes(to);

/** Which function of a behaviour runs. */
export type Phase = "init" | "mail" | "down" | "exit" | "terminate";
