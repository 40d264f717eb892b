/**
 * Owns: ids of actors that lie on a given scheduler thread. The one import of the bench that is no
 * public API: where an actor lies is no promise, but these programs need to know it.
 */
import { Places } from "../../src/kernel/placement.ts";
import { DRIVER } from "./driver.ts";

const PLACES = new Places(null, 2);

/** An id whose actor under /bench is on thread 1 or 2. */
export function idOn(thread: number, name: string): string {
  for (let i = 0; ; i++) {
    const id = `${name}-${i}`;
    if (PLACES.threadOf(`/bench/${id}`) === thread) return id;
  }
}

/** The thread on which the driver does not lie. */
export const FAR = PLACES.threadOf(DRIVER.path) === 1 ? 2 : 1;
