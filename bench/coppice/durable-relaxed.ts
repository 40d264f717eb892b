/** Owns: the same as durable.ts; an effect waits until its commit is visible. */
import { dealtApp } from "./durable-driver.ts";

export default dealtApp("committed", "apart");
