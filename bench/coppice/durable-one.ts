/** Owns: one durable message after the other on an idle system, each answered when it is on disk. */
import { inMicroseconds } from "../lib/quantile.ts";
import { awaitingDriver } from "./driver.ts";
import { counter, durableApp } from "./durable-driver.ts";

export default durableApp(
  awaitingDriver(async (ctx, n) => {
    const samples = new Float64Array(n);
    const to = counter(0);
    for (let i = 0; i < n; i++) {
      const began = performance.now();
      await ctx.ask(to, "one", {}, { timeout: "60s" });
      samples[i] = performance.now() - began;
    }
    return inMicroseconds(samples);
  }),
  1,
  "flushed",
);
