/** Owns: pingpong across two scheduler threads of the real runtime. */
import { pingpong } from "./pingpong.ts";
import { idOn } from "./placed.ts";

export default pingpong(idOn(1, "ping"), idOn(2, "pong"));
