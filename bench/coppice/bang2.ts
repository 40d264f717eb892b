/**
 * Owns: bang across two scheduler threads of the real runtime: one way, from one sender to one
 * receiver, a thousand messages a handler. For messages of 100 bytes see bang2-100.ts.
 */
import { type App, actor, child, type Ref } from "coppice";
import { z } from "zod";
import { BURST } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver, ROOMY, refTo } from "./driver.ts";
import { idOn } from "./placed.ts";

/** @param make the message, knowing how many are to come after it */
export function bang<T extends { left: number }>(
  schema: z.ZodType<T>,
  make: (left: number) => T,
): App {
  const hits = { hit: schema };
  const [near, far] = [idOn(1, "sender"), idOn(2, "receiver")];
  const receiver: Ref<typeof hits> = refTo(`/bench/${far}`, "receiver");
  const Receiver = actor("receiver", {
    state: z.null(),
    messages: hits,
    init: () => null,
    on: {
      hit(_, { left }, ctx) {
        if (left === 0) ctx.tell(DRIVER, "done", {});
      },
    },
  });
  const messages = { burst: z.object({ left: z.number() }) };
  const sender: Ref<typeof messages> = refTo(`/bench/${near}`, "sender");
  const Sender = actor("sender", {
    state: z.null(),
    messages,
    init: () => null,
    on: {
      burst(_, { left }, ctx) {
        const rest = Math.max(0, left - BURST);
        for (let i = left - 1; i >= rest; i--) ctx.tell(receiver, "hit", make(i));
        if (rest > 0) ctx.tell(sender, "burst", { left: rest });
      },
    },
  });
  return benchApp(
    driver((ctx, n) => ctx.tell(sender, "burst", { left: n })),
    [child(far, Receiver, ROOMY), child(near, Sender, ROOMY)],
  );
}

export default bang(z.object({ left: z.number() }), (left) => ({ left }));
