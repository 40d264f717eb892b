/**
 * Owns: what the durable programs share: keyed counters that keep their count with the ack of each
 * message, in one commit; the apps around them; how messages are dealt out to them.
 * Does not own: the programs, the data folder's end (lib/peer.ts), a server (lib/servers.ts).
 */
import {
  type App,
  actor,
  app,
  ask,
  child,
  dynamic,
  dynamicRef,
  type Ref,
  redis,
  type StoreSpec,
  sqlite,
  supervisor,
} from "coppice";
import { z } from "zod";
import { dataOf } from "../lib/data.ts";
import { inMicroseconds } from "../lib/quantile.ts";
import { COUNTERS } from "../lib/sizes.ts";
import { awaitingDriver, DRIVER, type DriverContext, driver, ROOMY, refTo } from "./driver.ts";

const messages = {
  /** The counter says `done` to the driver at each multiple of `of`. */
  add: z.object({ of: z.number() }),
  one: ask(z.object({}), z.number()),
  steps: ask(z.object({}), z.number()),
};

const Counter = actor("counter", {
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
type Counters = readonly Ref<typeof messages>[];
const DURABLE = { ...ROOMY, durable: true } as const;

/** A driver on the thread of the counters, or on its own: then each message is stored first (ADR 34). */
export type Where = "near" | "apart";

/** The app of a durable program: its driver, which forgets, and counters that do not. */
function durableApp(
  behaviour: ReturnType<typeof driver> | ReturnType<typeof awaitingDriver>,
  counters: Parameters<typeof supervisor>[2],
  store: StoreSpec,
  where: Where = "near",
): App {
  const driving = behaviour as ReturnType<typeof driver>;
  const options = where === "near" ? ROOMY : ({ ...ROOMY, placement: "own-thread" } as const);
  const root = supervisor("bench", {}, [...counters, child("driver", driving, options)]);
  return app({ store, root });
}

const children = (count: number) =>
  Array.from({ length: count }, (_, key) => child(`counter-${key}`, Counter, DURABLE));
const refs = (under: string, count: number): Counters =>
  Array.from({ length: count }, (_, key) => refTo(`${under}${key}`, "counter"));
const onDisk = (durability: "flushed" | "committed") => sqlite(dataOf(process.pid), { durability });

/** As many for each; each counter says `done` with its last. */
function deal(ctx: DriverContext, n: number, counters: Counters): void {
  const of = Math.max(1, Math.round(n / COUNTERS));
  for (let round = 0; round < of; round++) {
    for (const counter of counters) ctx.tell(counter, "add", { of });
  }
}

/** n messages dealt out to counters that are children of the root. */
export function dealtApp(durability: "flushed" | "committed", where: Where): App {
  const all = refs("/bench/counter-", COUNTERS);
  const dealing = driver(
    (ctx, n) => deal(ctx, n, all),
    () => COUNTERS,
  );
  return durableApp(dealing, children(COUNTERS), onDisk(durability), where);
}

/** The same on Redis: children of a dynamic supervisor, which are spread over its partitions. */
export function redisApp(): App {
  const supervising = dynamicRef("/bench/counters", Counter);
  const all = refs("/bench/counters/", COUNTERS);
  let started = false;
  const dealing = driver(
    async (ctx, n) => {
      const starts = started ? [] : all.map((_, key) => `${key}`);
      started = true;
      await Promise.all(starts.map((id) => ctx.start(supervising, { id, args: undefined })));
      deal(ctx, n, all);
    },
    () => COUNTERS,
  );
  const store = redis({ url: process.env.BENCH_REDIS as string });
  return durableApp(dealing, [dynamic("counters", {}, Counter, DURABLE)], store, "apart");
}

/** A program of actors that forget, beside counters that nobody uses. */
export const besideDurable = (
  behaviour: ReturnType<typeof driver>,
  actors: Parameters<typeof supervisor>[2],
): App => durableApp(behaviour, [...actors, ...children(COUNTERS)], onDisk("flushed"));

/** One question after the other to one counter, each timed. */
export function timedApp(question: "one" | "steps"): App {
  const [counter] = refs("/bench/counter-", 1) as [Counters[0]];
  const asking = awaitingDriver(async (ctx, n) => {
    const samples = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const began = performance.now();
      await ctx.ask(counter, question, {}, { timeout: "60s" });
      samples[i] = performance.now() - began;
    }
    return inMicroseconds(samples);
  });
  return durableApp(asking, children(1), onDisk("flushed"));
}
