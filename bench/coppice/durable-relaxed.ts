/** Owns: the same as durable.ts; an effect waits until its commit is visible. */
import { driver } from "./driver.ts";
import { counter, durableApp } from "./durable-driver.ts";
import { deal, KEYS } from "./durable-keys.ts";

export default durableApp(
  driver(deal(counter), () => KEYS),
  KEYS,
  "committed",
);
