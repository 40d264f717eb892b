/**
 * Owns: restarts on the real runtime: a child of a dynamic supervisor crashes, is restarted, says so
 * in its init, and is made to crash again. So each restart waits for the one before.
 * Does not own: what a crash is (restart.ts, restart-exit.ts).
 */
import { actor, type Context, child, dynamic, dynamicRef, type Ref } from "coppice";
import { z } from "zod";
import { benchApp, DRIVER, driver, refTo } from "./driver.ts";

const messages = { crash: z.object({ left: z.number() }) };
const CRASHER: Ref<typeof messages> = refTo("/bench/pool/crasher", "crasher");

const watching = { expect: z.object({ crashes: z.number() }), running: z.object({}) };
const OBSERVER: Ref<typeof watching> = refTo("/bench/observer", "observer");

/** Tells the child to crash each time it runs again. */
const Observer = actor("observer", {
  state: z.object({ left: z.number() }),
  messages: watching,
  init: () => ({ left: -1 }),
  on: {
    expect(_, { crashes }, ctx) {
      ctx.tell(CRASHER, "crash", { left: crashes });
      return { left: crashes };
    },
    running({ left }, _, ctx) {
      if (left < 0) return; // the first start
      if (left > 1) ctx.tell(CRASHER, "crash", { left: left - 1 });
      else ctx.tell(DRIVER, "done", {});
      return { left: left - 1 };
    },
  },
});

/** @param crash ends the actor */
export function restarts(crash: (left: number, ctx: Context<typeof messages>) => never) {
  const Crasher = actor("crasher", {
    state: z.null(),
    messages,
    init: (_, ctx) => {
      ctx.tell(OBSERVER, "running", {});
      return null;
    },
    on: {
      crash: (_, { left }, ctx) => crash(left, ctx as never),
    },
  });
  const pool = dynamicRef("/bench/pool", Crasher);
  let started = false;
  return benchApp(
    driver(async (ctx, n) => {
      if (!started) await ctx.start(pool, { id: "crasher", args: undefined });
      started = true;
      ctx.tell(OBSERVER, "expect", { crashes: n });
    }),
    [
      child("observer", Observer),
      dynamic("pool", { intensity: 1_000_000, period: "1s" }, Crasher, {
        placement: "with-parent",
      }),
    ],
  );
}
