/**
 * What stands between an actor and its tool, in time: a policy's decision, the broker of an inline
 * call, the desk of a call under a quota.
 *
 * Owns: these figures. Does not own: programs of actors (bench/coppice/), sandboxes (sandboxes.ts).
 */
import {
  actor,
  app,
  ask,
  child,
  memory,
  type Rule,
  ref,
  rules,
  start,
  supervisor,
  tool,
} from "coppice";
import { z } from "zod";
import type { Outcome } from "./lib/outcome.ts";
import { inMicroseconds } from "./lib/quantile.ts";

/** A tool that does nothing: what is left is the way there and back. */
const nothing = tool("nothing", {
  input: z.object({ n: z.number() }),
  output: z.number(),
  run: ({ n }) => n,
});

const list = (make: (n: number) => Rule, count = 1_000) =>
  Array.from({ length: count }, (_, n) => make(n));

/** The last of 1,000 rules fits: of other tools, of other paths, of this tool with other inputs. */
const POLICIES: Readonly<Record<string, readonly Rule[]>> = {
  "1,000 rules of other tools": list((n) => ({ tool: `tool${n}`, decision: { deny: "no" } })),
  "1,000 patterns of other paths": list((n) => ({ path: `/lab${n}/**`, decision: { deny: "no" } })),
  "1,000 limits on this tool": list((n) => ({
    tool: "nothing",
    input: { n: { min: n + 1e6 } },
    decision: { deny: "no" },
  })),
  "1,000 conditions on this tool": list((n) => ({
    tool: "nothing",
    input: { n: { equals: n + 1e6 } },
    decision: { deny: "no" },
  })),
  "1,000 expressions on this tool": list((n) => ({
    tool: "nothing",
    input: { text: { matches: new RegExp(`^word${n}$`) } },
    decision: { deny: "no" },
  })),
};

const Caller = actor("caller", {
  state: z.null(),
  messages: {
    measure: ask(z.object({ calls: z.number() }), z.array(z.number())),
    bare: ask(z.object({ calls: z.number() }), z.array(z.number())),
  },
  init: () => null,
  on: {
    async measure(_state, { calls }, ctx) {
      const times: number[] = [];
      for (let n = 0; n < calls; n++) {
        const before = performance.now();
        await ctx.use(nothing, { n });
        times.push(performance.now() - before);
      }
      ctx.reply(times);
    },
    async bare(_state, { calls }, ctx) {
      const times: number[] = [];
      for (let n = 0; n < calls; n++) {
        const before = performance.now();
        // What any awaited verb costs: to be recorded and resumed alone.
        await ctx.step("nothing", () => n);
        times.push(performance.now() - before);
      }
      ctx.reply(times);
    },
  },
});

const limits = { handlerTimeout: "infinity", maxReductions: 1e9, sliceMs: 60_000 } as const;

export default app({
  store: memory(),
  root: supervisor("bench", {}, [
    child("plain", Caller, { tools: [nothing], ...limits }),
    child("watched", Caller, { tools: [nothing], runaway: true, ...limits }),
    child("quota", Caller, { tools: [nothing], quota: { toolCalls: 1e9 }, ...limits }),
  ]),
  ...(process.env.COPPICE_BENCH_POLICY
    ? { policy: rules(POLICIES["1,000 conditions on this tool"] ?? []) }
    : {}),
});

/** Without the fifth in which the compiler has not yet seen all. */
function figures(name: string, times: readonly number[]): Record<string, number> {
  const { p50Us, p99Us } = inMicroseconds(Float64Array.from(times.slice(times.length / 5)));
  return { [`${name}P50Us`]: p50Us, [`${name}P99Us`]: p99Us };
}

/** The figures of the slowest kind of rules. */
function policies(n: number): Record<string, number> {
  const all = Object.values(POLICIES).map((list) => {
    const policy = rules(list);
    const times: number[] = [];
    for (let i = 0; i < n; i++) {
      const input = { n: i, text: `text ${i}` };
      const path = `/bench/actor${i % 100}`;
      const before = performance.now();
      policy({ path, tool: "nothing", tier: "inline", input });
      times.push(performance.now() - before);
    }
    return figures("policy", times);
  });
  return all.reduce((worst, each) =>
    (each.policyP99Us ?? 0) > (worst.policyP99Us ?? 0) ? each : worst,
  );
}

type Ask = (path: string, type: "measure" | "bare") => Promise<number[]>;

async function asking<T>(calls: number, use: (asked: Ask) => Promise<T>): Promise<T> {
  await using system = await start(import.meta.url, { threads: 1, inspect: false, log: "silent" });
  return await use((path, type) =>
    system.ask(ref(`/bench/${path}`, Caller), type, { calls }, { timeout: "5m" }),
  );
}

/** `broker`: what an inline call takes longer than any other recorded step. */
export async function run(n: number): Promise<Outcome> {
  const began = performance.now();
  const plain = await asking(n, async (asked) => ({
    ...figures("step", await asked("plain", "bare")),
    ...figures("inline", await asked("plain", "measure")),
    ...figures("watched", await asked("watched", "measure")),
    ...figures("quota", await asked("quota", "measure")),
  }));
  process.env.COPPICE_BENCH_POLICY = "1";
  const policed = await asking(n, async (asked) =>
    figures("policed", await asked("plain", "measure")),
  );
  delete process.env.COPPICE_BENCH_POLICY;
  const { inlineP50Us = 0, stepP50Us = 0 } = plain as Record<string, number>;
  const brokerUs = Math.max(0, inlineP50Us - stepP50Us);
  const seconds = (performance.now() - began) / 1_000;
  return { n, seconds, ...policies(n * 10), brokerUs, ...plain, ...policed };
}
