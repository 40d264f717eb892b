/**
 * Owns: what an idle node costs: CPU of the whole process while n actors, a tenth of them with a
 * pending timer, do nothing for some seconds.
 */
import { actor, dynamic, dynamicRef } from "coppice";
import { z } from "zod";
import { idleMs, TIMER_EVERY } from "../lib/sizes.ts";
import { awaitingDriver, benchApp } from "./driver.ts";

const Idler = actor("idler", {
  args: z.object({ timer: z.boolean() }),
  state: z.null(),
  messages: { late: z.object({}) },
  init: ({ timer }, ctx) => {
    if (timer) ctx.after("1h", "late", {});
    return null;
  },
  on: { late() {} },
});
const IDLERS = dynamicRef("/bench/idlers", Idler);
let there = 0;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export default benchApp(
  awaitingDriver(async (ctx, n) => {
    for (; there < n; there++) {
      await ctx.start(IDLERS, { args: { timer: there % TIMER_EVERY === 0 } });
    }
    await pause(idleMs(n));
    const [before, beganAt] = [process.cpuUsage(), performance.now()];
    await pause(idleMs(n));
    const { user, system } = process.cpuUsage(before);
    const ms = performance.now() - beganAt;
    return { seconds: ms / 1_000, cpuPercent: (user + system) / 10 / ms };
  }),
  [dynamic("idlers", {}, Idler, { placement: "with-parent" })],
);
