/** Owns: restarts by hand after something thrown that is no Error: V8 need not look at the stack. */
import { restarts } from "./restarts.ts";

export const run = restarts((life) => {
  throw { message: `crash in state ${life}` };
});
