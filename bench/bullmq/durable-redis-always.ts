/** Owns: the same as durable-redis.ts; each write is on disk before it is answered. */
export { run } from "./durable-redis.ts";
