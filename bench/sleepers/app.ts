/** Owns: the app of a node with many counters that are asleep: children of one dynamic supervisor. */
import {
  type ActorSettings,
  actor,
  app,
  ask,
  dynamic,
  type Ref,
  ref,
  sqlite,
  supervisor,
} from "coppice";
import { z } from "zod";

const messages = { add: z.object({}), next: ask(z.object({}), z.number()) };

export const Sleeper = actor("sleeper", {
  state: z.object({ count: z.number() }),
  messages,
  init: () => ({ count: 0 }),
  on: {
    add: ({ count }) => ({ count: count + 1 }),
    next({ count }, _, ctx) {
      ctx.reply(count + 1);
      return { count: count + 1 };
    },
  },
});

const SLEEPERS = "/bench/sleepers";
export const pathOf = (index: number): string => `${SLEEPERS}/s${index}`;
export const sleeper = (index: number): Ref<typeof messages> => ref(pathOf(index), Sleeper);

/** Whoever is woken stays awake for the rest of a measurement. */
const settings = { durable: true, hibernateAfter: "10m" } satisfies ActorSettings;

export default app({
  store: sqlite(),
  root: supervisor("bench", {}, [
    dynamic("sleepers", { maxChildren: 10_000_000 }, Sleeper, settings),
  ]),
});
