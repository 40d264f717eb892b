// An app whose agents spend money together, on all nodes of one Redis. Each call writes a line before
// it spends and one behind it, to a file that is the world outside.

import { appendFileSync } from "node:fs";
import { actor, app, dynamic, dynamicRef, redis, supervisor, tool } from "coppice";
import { z } from "zod";

export const CAP = 1_000_000;

const { REDIS_URL = "redis://127.0.0.1:6379", REDIS_PREFIX = "firm", WORLD = "" } = process.env;

const pay = tool("pay", {
  input: z.object({ most: z.number(), cost: z.number(), hang: z.number() }),
  output: z.object({ cost: z.number() }),
  async run({ most, cost, hang }) {
    appendFileSync(WORLD, `${JSON.stringify({ began: process.pid, most })}\n`);
    if (hang === process.pid) await new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
    appendFileSync(WORLD, `${JSON.stringify({ cost })}\n`);
    return { cost };
  },
  cost: { most: ({ most }) => ({ microUsd: most }), spent: ({ cost }) => ({ microUsd: cost }) },
});

/** Pays when it is told. */
export const Agent = actor("agent", {
  state: z.object({ heard: z.number() }),
  messages: {
    go: z.object({ most: z.number(), cost: z.number(), hang: z.number() }),
    budget: z.object({}),
  },
  init: () => ({ heard: 0 }),
  on: {
    async go(state, order, ctx) {
      await ctx.use(pay, order).catch((thrown: { code?: string }) => {
        if (thrown.code !== "E_TOOL_UNKNOWN") throw thrown;
      });
      return state;
    },
    budget: ({ heard }) => ({ heard: heard + 1 }),
  },
});
export const agents = dynamicRef("/firm/crew", Agent);

const many = { intensity: 1_000_000 } as const;

export default app({
  store: redis({ url: REDIS_URL, prefix: REDIS_PREFIX, partitions: 8, lease: "4s" }),
  root: supervisor("firm", { ...many, quota: { usd: CAP / 1e6, wall: "1h" } }, [
    dynamic("crew", { ...many, quota: { tokens: 10 } }, Agent, {
      tools: [pay],
      durable: true,
      maxDeliveries: 2,
    }),
  ]),
});
