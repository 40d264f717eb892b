/**
 * Owns: pingpong of two actors that forget, in a node with an open SQLite store and 1,000 durable
 * actors that have nothing to do: what durability costs those who do not use it.
 */
import { besideDurable } from "./durable-driver.ts";
import { players, serving } from "./pingpong.ts";

export default besideDurable(serving("ping"), players("ping", "pong"));
