/** Owns: chameneos on the real runtime: 100 supervised actors meet in pairs, n times. */
import { actor, child, type Ref } from "coppice";
import { z } from "zod";
import { CHAMENEOS } from "../lib/sizes.ts";
import { complement } from "../plain/chameneos.ts";
import { benchApp, DRIVER, driver, refTo } from "./driver.ts";

const mallMessages = {
  open: z.object({ meetings: z.number() }),
  meet: z.object({ from: z.number(), colour: z.number() }),
};
const MALL: Ref<typeof mallMessages> = refTo("/bench/mall", "mall");

const messages = {
  begin: z.object({}),
  meet: z.object({ from: z.number(), colour: z.number() }),
  change: z.object({ colour: z.number() }),
  stop: z.object({}),
};
const ALL = Array.from(
  { length: CHAMENEOS },
  (_, index): Ref<typeof messages> => refTo(`/bench/chameneo-${index}`, "chameneo"),
);

/** Nobody waits in the mall. */
const NOBODY = -1;

const Mall = actor("mall", {
  state: z.object({ left: z.number(), waiting: z.number() }),
  messages: mallMessages,
  init: () => ({ left: 0, waiting: NOBODY }),
  on: {
    open: (_, { meetings }) => ({ left: meetings, waiting: NOBODY }),
    meet({ left, waiting }, { from, colour }, ctx) {
      if (left === 0) {
        ctx.tell(ALL[from]!, "stop", {});
        return;
      }
      if (waiting === NOBODY) return { left, waiting: from };
      ctx.tell(ALL[waiting]!, "meet", { from, colour });
      return { left: left - 1, waiting: NOBODY };
    },
  },
});

const Chameneo = actor("chameneo", {
  args: z.object({ index: z.number() }),
  state: z.object({ index: z.number(), colour: z.number() }),
  messages,
  init: ({ index }) => ({ index, colour: index % 3 }),
  on: {
    begin({ index, colour }, _, ctx) {
      ctx.tell(MALL, "meet", { from: index, colour });
    },
    meet({ index, colour: mine }, { from, colour: other }, ctx) {
      const colour = complement(mine, other);
      ctx.tell(ALL[from]!, "change", { colour });
      ctx.tell(MALL, "meet", { from: index, colour });
      return { index, colour };
    },
    change({ index }, { colour }, ctx) {
      ctx.tell(MALL, "meet", { from: index, colour });
      return { index, colour };
    },
    stop(_, __, ctx) {
      ctx.tell(DRIVER, "done", {});
    },
  },
});

export default benchApp(
  driver(
    (ctx, n) => {
      ctx.tell(MALL, "open", { meetings: n });
      for (const each of ALL) ctx.tell(each, "begin", {});
    },
    () => CHAMENEOS,
  ),
  [
    child("mall", Mall),
    ...ALL.map((_, index) => child(`chameneo-${index}`, Chameneo, { args: { index } })),
  ],
);
