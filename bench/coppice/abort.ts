/**
 * Owns: abort latency on the real runtime: a neighbour ticks all the time, an actor hangs, and the
 * gap in the ticks beyond `sliceMs` is what deciding, ending the run and going on took together: no
 * less than from the decision to the neighbour's next message.
 */
import { actor, ask, child, type Ref, supervisor } from "coppice";
import { z } from "zod";
import { outcome } from "../lib/outcome.ts";
import { quantile } from "../lib/quantile.ts";
import { awaitingDriver, benchApp, refTo } from "./driver.ts";

/** Short, so that many hangs fit into a run. @unit ms */
const SLICE_MS = 20;

const hangs = { hang: z.object({}) };
const HOG: Ref<typeof hangs> = refTo("/bench/pen/hog", "hog");

const ticks = {
  measure: ask(z.object({ hangs: z.number() }), outcome),
  /** The hog runs (again). */
  running: z.object({}),
  tick: z.object({}),
};
const TICKER: Ref<typeof ticks> = refTo("/bench/ticker", "ticker");

const Hog = actor("hog", {
  state: z.null(),
  messages: hangs,
  init: (_, ctx) => {
    ctx.tell(TICKER, "running", {});
    return null;
  },
  on: {
    hang() {
      for (;;);
    },
  },
});

interface State {
  readonly deferred: { reply(value: z.infer<typeof outcome>): void };
  readonly wanted: number;
  readonly beganAt: number;
  /** Time lost beyond the slice, one a hang. @unit ms */
  readonly lost: number[];
  lastAt: number;
  /** Longest gap since the hog was last told to hang. @unit ms */
  worst: number;
}

const Ticker = actor("ticker", {
  state: z.custom<State | null>(),
  messages: ticks,
  init: () => null,
  on: {
    measure(_, { hangs }, ctx) {
      const now = performance.now();
      ctx.tell(HOG, "hang", {});
      ctx.tell(TICKER, "tick", {});
      return {
        deferred: ctx.defer(),
        wanted: hangs,
        beganAt: now,
        lost: [],
        lastAt: now,
        worst: 0,
      };
    },
    running(state, _, ctx) {
      if (state === null) return;
      state.lost.push(state.worst - SLICE_MS);
      state.worst = 0;
      if (state.lost.length < state.wanted) {
        ctx.tell(HOG, "hang", {});
        return;
      }
      const lost = Float64Array.from(state.lost);
      const seconds = (performance.now() - state.beganAt) / 1_000;
      const [p50Ms, p99Ms] = [quantile(lost, 0.5), quantile(lost, 0.99)];
      state.deferred.reply({ n: lost.length, seconds, p50Ms, p99Ms });
      return null;
    },
    tick(state, _, ctx) {
      if (state === null) return;
      const now = performance.now();
      state.worst = Math.max(state.worst, now - state.lastAt);
      state.lastAt = now;
      ctx.tell(TICKER, "tick", {});
    },
  },
});

export default benchApp(
  awaitingDriver((ctx, n) => ctx.ask(TICKER, "measure", { hangs: n }, { timeout: "2m" })),
  [
    child("ticker", Ticker),
    supervisor("pen", { intensity: 1_000_000, period: "1s" }, [
      child("hog", Hog, { sliceMs: SLICE_MS }),
    ]),
  ],
);
