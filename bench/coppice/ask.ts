/** Owns: ask on the real runtime: calls awaited one after the other inside of an async handler. */
import { actor, ask, child, type Ref } from "coppice";
import { z } from "zod";
import { awaitingDriver, benchApp, refTo } from "./driver.ts";

const messages = { next: ask(z.object({ after: z.number() }), z.number()) };
const SERVER: Ref<typeof messages> = refTo("/bench/server", "server");

const Server = actor("server", {
  state: z.null(),
  messages,
  init: () => null,
  on: { next: (_, { after }, ctx) => ctx.reply(after + 1) },
});

export default benchApp(
  awaitingDriver(async (ctx, n) => {
    let at = 0;
    while (at < n) at = await ctx.ask(SERVER, "next", { after: at });
    return {};
  }),
  [child("server", Server)],
);
