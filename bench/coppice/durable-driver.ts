/**
 * Owns: what the durable programs share: their store's folder, and keyed counters that keep their
 * count with the ack of each message, in one commit.
 * Does not own: the programs, the folder's end (lib/peer.ts).
 */
import { type App, actor, app, ask, child, type Ref, sqlite, supervisor } from "coppice";
import { z } from "zod";
import { dataOf } from "../lib/data.ts";
import type { awaitingDriver, driver } from "./driver.ts";
import { DRIVER, ROOMY, refTo } from "./driver.ts";

const messages = {
  /** The counter says `done` to the driver at each multiple of `of`. */
  add: z.object({ of: z.number() }),
  one: ask(z.object({}), z.number()),
  steps: ask(z.object({}), z.number()),
};

export const counter = (key: number): Ref<typeof messages> =>
  refTo(`/bench/counter-${key}`, "counter");

export const Counter = actor("counter", {
  state: z.object({ count: z.number() }),
  messages,
  init: () => ({ count: 0 }),
  on: {
    add({ count }, { of }, ctx) {
      if ((count + 1) % of === 0) ctx.tell(DRIVER, "done", {});
      return { count: count + 1 };
    },
    one({ count }, _, ctx) {
      ctx.reply(count + 1);
      return { count: count + 1 };
    },
    async steps({ count }, _, ctx) {
      let sum = count;
      for (const name of ["one", "two", "three"]) sum += await ctx.step(name, () => 1);
      ctx.reply(sum);
      return { count: sum };
    },
  },
});

/** The app of a durable program: its driver, which forgets, and counters that do not. */
export function durableApp(
  behaviour: ReturnType<typeof driver> | ReturnType<typeof awaitingDriver>,
  counters: number,
  durability: "flushed" | "committed",
): App {
  const driving = behaviour as ReturnType<typeof driver>;
  const children = Array.from({ length: counters }, (_, key) =>
    child(`counter-${key}`, Counter, { ...ROOMY, durable: true }),
  );
  const root = supervisor("bench", {}, [...children, child("driver", driving, ROOMY)]);
  return app({ store: sqlite(dataOf(process.pid), { durability }), root });
}
