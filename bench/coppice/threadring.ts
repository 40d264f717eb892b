/** Owns: threadring on the real runtime: one token around 100 supervised actors. */
import { actor, child, type Ref } from "coppice";
import { z } from "zod";
import { RING } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver, refTo } from "./driver.ts";

const messages = { token: z.object({ left: z.number() }) };
const node = (index: number): Ref<typeof messages> => refTo(`/bench/node-${index}`, "node");

const Node = actor("node", {
  args: z.object({ index: z.number() }),
  state: z.custom<Ref<typeof messages>>(),
  messages,
  init: ({ index }) => node((index + 1) % RING),
  on: {
    token(next, { left }, ctx) {
      if (left > 0) ctx.tell(next, "token", { left: left - 1 });
      else ctx.tell(DRIVER, "done", {});
    },
  },
});

export default benchApp(
  driver((ctx, n) => ctx.tell(node(0), "token", { left: n - 1 })),
  Array.from({ length: RING }, (_, index) => child(`node-${index}`, Node, { args: { index } })),
);
