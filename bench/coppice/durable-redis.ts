/** Owns: n messages dealt out to 1,000 durable counters on Redis, spread over its partitions. */
import { redisApp } from "./durable-driver.ts";

export default redisApp();
