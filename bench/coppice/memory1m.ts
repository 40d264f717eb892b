/** Owns: memory with a million actors. */
export { default } from "./memory.ts";
