/** Owns: memory with a million actors. */
export { run } from "./memory.ts";
