/** Owns: count on the real runtime: n tells from one handler, then one ask for the sum. */
import { actor, child, type Ref } from "coppice";
import { z } from "zod";
import { benchApp, DRIVER, driver, ROOMY, refTo } from "./driver.ts";

const messages = { add: z.object({ by: z.number() }), report: z.object({ n: z.number() }) };
const COUNTER: Ref<typeof messages> = refTo("/bench/counter", "counter");

const Counter = actor("counter", {
  state: z.object({ sum: z.number() }),
  messages,
  init: () => ({ sum: 0 }),
  on: {
    add: ({ sum }, { by }) => ({ sum: sum + by }),
    report({ sum }, { n }, ctx) {
      if (sum !== n) throw new Error(`counted ${sum} of ${n} messages`);
      ctx.tell(DRIVER, "done", {});
      return { sum: 0 };
    },
  },
});

export default benchApp(
  driver((ctx, n) => {
    for (let i = 0; i < n; i++) ctx.tell(COUNTER, "add", { by: 1 });
    ctx.tell(COUNTER, "report", { n });
  }),
  [child("counter", Counter, ROOMY)],
);
