/** Owns: n messages dealt out to 1,000 durable counters; an effect waits until it is on disk. */
import { driver } from "./driver.ts";
import { counter, durableApp } from "./durable-driver.ts";
import { deal, KEYS } from "./durable-keys.ts";

export default durableApp(
  driver(deal(counter), () => KEYS),
  KEYS,
  "flushed",
);
