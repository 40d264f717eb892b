/** Owns: n messages dealt out to 1,000 durable counters; an effect waits until it is on disk. */
import { dealtApp } from "./durable-driver.ts";

export default dealtApp("flushed", "apart");
