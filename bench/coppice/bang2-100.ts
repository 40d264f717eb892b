/** Owns: bang across two threads with messages of about 100 bytes. */
import { payload, payloadOf } from "../lib/payload.ts";
import { bang } from "./bang2.ts";

export default bang(payload, payloadOf);
