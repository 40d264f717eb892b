/** Owns: the same as durable.ts, told by an actor of the counters' thread. */
import { dealtApp } from "./durable-driver.ts";

export default dealtApp("flushed", "near");
