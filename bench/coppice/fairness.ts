/**
 * Owns: fairness on the real runtime: how long 200 quiet actors wait for their answers while a hog
 * shares their thread. Each round tells the hog to spin and then asks all of them at once.
 * Does not own: the kinds of hog, which are programs of their own (fair-*.ts).
 */
import { type App, actor, ask, child, type Ref, supervisor } from "coppice";
import { z } from "zod";
import { quantile } from "../lib/quantile.ts";
import { QUIET, SLICE_MS } from "../lib/sizes.ts";
import { awaitingDriver, benchApp, ROOMY, refTo } from "./driver.ts";

const messages = { ping: ask(z.object({ at: z.number() }), z.number()) };
const ALL = Array.from(
  { length: QUIET },
  (_, index): Ref<typeof messages> => refTo(`/bench/quiet-${index}`, "quiet"),
);

const Quiet = actor("quiet", {
  state: z.null(),
  messages,
  init: () => null,
  on: { ping: (_, { at }, ctx) => ctx.reply(at) },
});

const spins = {
  /** Spins in a handler that may be resumed. */
  yielding: z.object({ ms: z.number() }),
  /** Spins in a handler that holds its thread. */
  holding: z.object({ ms: z.number() }),
};
const HOG: Ref<typeof spins> = refTo("/bench/pen/hog", "hog");

const Hog = actor("hog", {
  state: z.null(),
  messages: spins,
  init: () => null,
  on: {
    async yielding(_, { ms }) {
      const until = performance.now() + ms;
      while (performance.now() < until);
    },
    holding(_, { ms }) {
      const until = performance.now() + ms;
      while (performance.now() < until);
    },
  },
});

/** @param ms how long the hog wants to spin each time */
export function fairness(kind: "yielding" | "holding", ms: number): App {
  const pen = supervisor("pen", { intensity: 1_000_000, period: "1s" }, [
    child("hog", Hog, { ...ROOMY, sliceMs: SLICE_MS }),
  ]);
  const driving = awaitingDriver(async (ctx, n) => {
    const samples: number[] = [];
    while (samples.length < n) {
      ctx.tell(HOG, kind, { ms });
      const at = performance.now();
      const answered = () => samples.push(performance.now() - at);
      await Promise.all(ALL.map((quiet) => ctx.ask(quiet, "ping", { at }).then(answered)));
    }
    const sorted = Float64Array.from(samples);
    return { n: samples.length, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
  });
  return benchApp(driving, [pen, ...ALL.map((_, index) => child(`quiet-${index}`, Quiet))]);
}
