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

/** May a life go from one status to the other? Anything else is a bug of ours. */
export function mayBecome(from: Status, to: Status): boolean {
  // (Not as a table: one of seven lists, found by a text, is not remembered by the compiler.)
  switch (from) {
    case "starting":
      return to === "idle" || to === "exited";
    case "idle":
      return to === "running" || to === "committing" || to === "stopping" || to === "exited";
    case "running":
      return to === "idle" || to === "parked" || to === "stopping" || to === "exited";
    case "parked":
    case "committing":
      return to === "idle" || to === "stopping" || to === "exited";
    case "stopping":
      return to === "stopping" || to === "exited";
    case "exited":
      return false;
  }
}

/** Which function of a behaviour runs. */
export type Phase = "init" | "mail" | "down" | "exit" | "terminate";
