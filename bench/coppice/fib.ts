/** Owns: fib on the real runtime: each call is a supervised child of one dynamic supervisor. */
import { actor, type DynamicRef, dynamic, type Ref, refSchema } from "coppice";
import { z } from "zod";
import { fibOf } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver } from "./driver.ts";

const messages = { run: z.object({ k: z.number() }), result: z.object({ value: z.number() }) };
type Args = { parent: { path: string; behaviour: string } | null };
const CALLS: DynamicRef<Args, typeof messages> = { path: "/bench/calls", dynamic: "call" };

interface State {
  readonly parent: Ref<typeof messages> | null;
  readonly sum: number;
  readonly missing: number;
}

const Call = actor("call", {
  args: z.object({ parent: refSchema.nullable() }),
  state: z.custom<State>(),
  messages,
  init: ({ parent }) => ({ parent, sum: 0, missing: 2 }),
  on: {
    // Not `async`: a call without calls of its own awaits nothing.
    run({ parent }, { k }, ctx) {
      if (k < 2) {
        if (parent === null) ctx.tell(DRIVER, "done", {});
        else ctx.tell(parent, "result", { value: k });
        ctx.exit();
      }
      const args = { parent: ctx.self };
      const calls = [ctx.start(CALLS, { args }), ctx.start(CALLS, { args })];
      return Promise.all(calls).then(([one, two]) => {
        ctx.tell(one!, "run", { k: k - 1 });
        ctx.tell(two!, "run", { k: k - 2 });
      });
    },
    result({ parent, sum, missing }, { value }, ctx) {
      if (missing > 1) return { parent, sum: sum + value, missing: missing - 1 };
      if (parent === null) ctx.tell(DRIVER, "done", {});
      else ctx.tell(parent, "result", { value: sum + value });
      ctx.exit();
    },
  },
});

export default benchApp(
  driver(async (ctx, n) => {
    const first = await ctx.start(CALLS, { args: { parent: null } });
    ctx.tell(first, "run", { k: fibOf(n) });
  }),
  [dynamic("calls", {}, Call, { restart: "temporary", placement: "with-parent" })],
);
