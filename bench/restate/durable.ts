/**
 * Owns: the job of coppice/durable.ts for Restate: a virtual object per key, n calls over its
 * ingress, 256 under way; each adds one to the object's state, exactly once. Does not own: the server.
 */
import { imported } from "../lib/fetched.ts";
import { inFlight } from "../lib/in-flight.ts";
import type { Outcome } from "../lib/outcome.ts";
import { COUNTERS } from "../lib/sizes.ts";

interface ObjectContext {
  get(name: string): Promise<number | null>;
  set(name: string, value: number): void;
}

process.env.RESTATE_LOGGING = "ERROR";
const restate = await imported("restate", "@restatedev/restate-sdk");
const counter = restate.object({
  name: "counter",
  handlers: {
    add: async (ctx: ObjectContext) => {
      const count = (await ctx.get("count")) ?? 0;
      ctx.set("count", count + 1);
    },
  },
});
const port: number = await restate.serve({ services: [counter], port: 0 });
const { BENCH_RESTATE: ingress, BENCH_RESTATE_ADMIN: admin } = process.env;
await post(`${admin}/deployments`, { uri: `http://127.0.0.1:${port}` });

async function post(url: string, body: unknown = {}): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`restate answers ${answer.status}: ${text}`);
}

export async function run(_: unknown, n: number): Promise<Outcome> {
  const beganAt = performance.now();
  await inFlight(n, (i) => post(`${ingress}/counter/${i % COUNTERS}/add`));
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
