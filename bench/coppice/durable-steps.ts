/** Owns: handlers of three recorded steps, one after the other, each step on disk before the next. */
import { inMicroseconds } from "../lib/quantile.ts";
import { awaitingDriver } from "./driver.ts";
import { counter, durableApp } from "./durable-driver.ts";

export default durableApp(
  awaitingDriver(async (ctx, n) => {
    const samples = new Float64Array(n);
    const to = counter(0);
    for (let i = 0; i < n; i++) {
      const began = performance.now();
      await ctx.ask(to, "steps", {}, { timeout: "60s" });
      samples[i] = performance.now() - began;
    }
    return inMicroseconds(samples);
  }),
  1,
  "flushed",
);
