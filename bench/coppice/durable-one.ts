/** Owns: one durable message after the other on an idle system, each answered when it is on disk. */
import { timedApp } from "./durable-driver.ts";

export default timedApp("one");
