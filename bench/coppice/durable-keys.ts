/** Owns: how messages are dealt out to keyed counters. */
import type { DriverContext } from "./driver.ts";
import type { counter } from "./durable-driver.ts";

export const KEYS = 1_000;

/** As many for each key; each key's counter says `done` with its last. */
export function deal(to: typeof counter) {
  const refs = Array.from({ length: KEYS }, (_, key) => to(key));
  return (ctx: DriverContext, n: number) => {
    const of = Math.max(1, Math.round(n / KEYS));
    for (let round = 0; round < of; round++) for (const ref of refs) ctx.tell(ref, "add", { of });
  };
}
