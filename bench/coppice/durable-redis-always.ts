/** Owns: the same as durable-redis.ts; each write is on disk before it is answered. */
export { default } from "./durable-redis.ts";
