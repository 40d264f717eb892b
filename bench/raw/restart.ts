/** Owns: restarts by hand after a thrown Error. */
import { restarts } from "./restarts.ts";

export const run = restarts((life) => {
  throw new Error(`crash in state ${life}`);
});
