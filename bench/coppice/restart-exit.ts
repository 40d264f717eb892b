/** Owns: restarts after an exit with a reason and no Error, as Erlang's exit/1. */
import { restarts } from "./restarts.ts";

export default restarts((left, ctx) =>
  ctx.exit({ tag: "error", name: "Crash", message: `crash with ${left} to go` }),
);
