/**
 * Owns: what an idle supervised actor costs on the real runtime: heap of its thread, before it has
 * handled anything and after one message; and of the whole process. The state is one small object.
 */
import { actor, ask, dynamic, dynamicRef, type Ref } from "coppice";
import { z } from "zod";
import { memoryFigures } from "../lib/heap.ts";
import { awaitingDriver, benchApp, ROOMY, refTo } from "./driver.ts";

const messages = { touch: z.object({}), there: ask(z.object({}), z.null()), stop: z.object({}) };

const Idler = actor("idler", {
  state: z.object({ touched: z.number() }),
  messages,
  init: () => ({ touched: 0 }),
  on: {
    touch: ({ touched }) => ({ touched: touched + 1 }),
    there: (_, __, ctx) => ctx.reply(null),
    stop: (_, __, ctx) => ctx.exit(),
  },
});
const IDLERS = dynamicRef("/bench/idlers", Idler);
const TOGETHER = 1_000;

/** Each run has ids of its own: the actors of the one before may still be on their way out. */
let runs = 0;

export default benchApp(
  awaitingDriver(async (ctx, n) => {
    const run = ++runs;
    const id = (index: number) => `${run}-${index}`;
    const idler = (index: number): Ref<typeof messages> =>
      refTo(`/bench/idlers/${id(index)}`, "idler");
    const last = () => ctx.ask(idler(n - 1), "there", {}, { timeout: "5m" });
    const figures = await memoryFigures(
      n,
      async () => {
        for (let at = 0; at < n; at += TOGETHER) {
          const length = Math.min(TOGETHER, n - at);
          await Promise.all(
            Array.from({ length }, (_, i) =>
              ctx.start(IDLERS, { id: id(at + i), args: undefined }),
            ),
          );
        }
      },
      async () => {
        for (let i = 0; i < n; i++) ctx.tell(idler(i), "touch", {});
        await last();
      },
    );
    for (let i = 0; i < n; i++) ctx.tell(idler(i), "stop", {});
    await last().catch(() => {}); // gone: so are all before it
    return figures;
  }),
  [
    dynamic("idlers", { maxChildren: 10_000_000 }, Idler, {
      ...ROOMY,
      restart: "temporary",
      placement: "with-parent",
    }),
  ],
);
