/**
 * What stands between an actor and its tool, in time: a policy's decision, the broker of an inline
 * call, the desk of a call under a quota. `node --conditions=coppice-source bench/tools.ts`
 *
 * Owns: these figures. Does not own: programs of actors (bench/coppice/), sandboxes.
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

const CALLS = 5_000;

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
    measure: ask(z.object({}), z.array(z.number())),
    bare: ask(z.object({}), z.array(z.number())),
  },
  init: () => null,
  on: {
    async measure(_state, _message, ctx) {
      const times: number[] = [];
      for (let n = 0; n < CALLS; n++) {
        const before = performance.now();
        await ctx.use(nothing, { n });
        times.push(performance.now() - before);
      }
      ctx.reply(times);
    },
    async bare(_state, _message, ctx) {
      const times: number[] = [];
      for (let n = 0; n < CALLS; n++) {
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

const at = (sorted: readonly number[], part: number) =>
  sorted[Math.floor(sorted.length * part)] ?? 0;

function report(what: string, times: readonly number[]): void {
  const sorted = times.slice(times.length / 5).toSorted((a, b) => a - b);
  const us = (part: number) => (at(sorted, part) * 1_000).toFixed(2).padStart(9);
  console.log(`${what.padEnd(44)} p50 ${us(0.5)} µs   p99 ${us(0.99)} µs`);
}

function benchPolicies(): void {
  for (const [name, list] of Object.entries(POLICIES)) {
    const policy = rules(list);
    const times: number[] = [];
    for (let n = 0; n < 50_000; n++) {
      const input = { n, text: `text ${n}` };
      const path = `/bench/actor${n % 100}`;
      const before = performance.now();
      policy({ path, tool: "nothing", tier: "inline", input });
      times.push(performance.now() - before);
    }
    report(`policy: ${name}`, times);
  }
}

async function benchBroker(): Promise<void> {
  await using system = await start(import.meta.url, { threads: 1, inspect: false, log: "silent" });
  const policed = process.env.COPPICE_BENCH_POLICY ? ", with a policy" : "";
  const measure = (path: string, type: "measure" | "bare") =>
    system.ask(ref(`/bench/${path}`, Caller), type, {}, { timeout: "5m" });
  if (policed === "") report("ctx.step, no tool", await measure("plain", "bare"));
  report(`inline tool${policed}`, await measure("plain", "measure"));
  if (policed !== "") return;
  report("inline tool, watched for circles", await measure("watched", "measure"));
  report("inline tool under a quota (a round trip)", await measure("quota", "measure"));
}

if (import.meta.main) {
  if (!process.env.COPPICE_BENCH_POLICY) benchPolicies();
  await benchBroker();
  if (!process.env.COPPICE_BENCH_POLICY) {
    process.env.COPPICE_BENCH_POLICY = "1";
    await benchBroker();
  }
}
