/** Owns: ask across two scheduler threads of the real runtime, each call timed. */
import { actor, ask, child, type Ref } from "coppice";
import { z } from "zod";
import { inMicroseconds } from "../lib/quantile.ts";
import { awaitingDriver, benchApp, refTo } from "./driver.ts";
import { FAR, idOn } from "./placed.ts";

const messages = { next: ask(z.object({ after: z.number() }), z.number()) };
const id = idOn(FAR, "server");
const server: Ref<typeof messages> = refTo(`/bench/${id}`, "server");

const Server = actor("server", {
  state: z.null(),
  messages,
  init: () => null,
  on: { next: (_, { after }, ctx) => ctx.reply(after + 1) },
});

export default benchApp(
  awaitingDriver(async (ctx, n) => {
    const samples = new Float64Array(n);
    for (let at = 0; at < n; ) {
      const beganAt = performance.now();
      const next = await ctx.ask(server, "next", { after: at });
      samples[at] = performance.now() - beganAt;
      at = next;
    }
    return inMicroseconds(samples);
  }),
  [child(id, Server)],
);
