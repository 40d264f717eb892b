/** Owns: fjthrput on the real runtime: n messages dealt out to 60 supervised actors in one go. */
import { actor, child, type Ref } from "coppice";
import { z } from "zod";
import { FORK } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver, ROOMY, refTo } from "./driver.ts";

const messages = { work: z.object({ last: z.boolean() }) };
const FORKS = Array.from(
  { length: FORK },
  (_, index): Ref<typeof messages> => refTo(`/bench/fork-${index}`, "fork"),
);

const Fork = actor("fork", {
  state: z.object({ handled: z.number() }),
  messages,
  init: () => ({ handled: 0 }),
  on: {
    work({ handled }, { last }, ctx) {
      if (last) ctx.tell(DRIVER, "done", {});
      return { handled: last ? 0 : handled + 1 };
    },
  },
});

export default benchApp(
  driver(
    (ctx, n) => {
      const rounds = Math.ceil(n / FORK);
      for (let round = 1; round <= rounds; round++) {
        for (const fork of FORKS) ctx.tell(fork, "work", { last: round === rounds });
      }
    },
    () => FORK,
  ),
  FORKS.map((_, index) => child(`fork-${index}`, Fork, ROOMY)),
);
