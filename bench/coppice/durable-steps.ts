/** Owns: handlers of three recorded steps, one after the other, each step on disk before the next. */
import { timedApp } from "./durable-driver.ts";

export default timedApp("steps");
