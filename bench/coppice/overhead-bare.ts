/** Owns: the same as overhead.ts in a node without a store. */
export { default } from "./pingpong.ts";
