/** Owns: concdict on the real runtime: 20 supervised actors read and write one dictionary. */
import { actor, type Context, child, type Ref } from "coppice";
import { z } from "zod";
import { nextRandom } from "../lib/random.ts";
import { KEYS, WORKERS, WRITE_EVERY } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver, refTo } from "./driver.ts";

const requests = {
  read: z.object({ from: z.number(), key: z.number() }),
  write: z.object({ from: z.number(), key: z.number(), value: z.number() }),
};
const DICTIONARY: Ref<typeof requests> = refTo("/bench/dictionary", "dictionary");

const messages = {
  begin: z.object({ requests: z.number() }),
  result: z.object({ value: z.number() }),
};
const ALL = Array.from(
  { length: WORKERS },
  (_, index): Ref<typeof messages> => refTo(`/bench/worker-${index}`, "worker"),
);

const Dictionary = actor("dictionary", {
  state: z.custom<Map<number, number>>(),
  messages: requests,
  init: () => new Map(),
  on: {
    read(values, { from, key }, ctx) {
      ctx.tell(ALL[from]!, "result", { value: values.get(key) ?? 0 });
    },
    write(values, { from, key, value }, ctx) {
      values.set(key, value);
      ctx.tell(ALL[from]!, "result", { value });
    },
  },
});

interface State {
  readonly index: number;
  left: number;
  seed: number;
}
/** The next request. The state is this actor's own: it may be changed in place. */
function request(state: State, ctx: Pick<Context, "tell">): void {
  state.left--;
  state.seed = nextRandom(state.seed);
  const { index: from, left: value, seed } = state;
  const key = seed % KEYS;
  if (seed % WRITE_EVERY === 0) ctx.tell(DICTIONARY, "write", { from, key, value });
  else ctx.tell(DICTIONARY, "read", { from, key });
}

const Worker = actor("worker", {
  args: z.object({ index: z.number() }),
  state: z.custom<State>(),
  messages,
  init: ({ index }) => ({ index, left: 0, seed: index + 1 }),
  on: {
    begin(state, { requests }, ctx) {
      state.left = requests;
      request(state, ctx);
    },
    result(state, _, ctx) {
      if (state.left > 0) request(state, ctx);
      else ctx.tell(DRIVER, "done", {});
    },
  },
});

export default benchApp(
  driver(
    (ctx, n) => {
      for (const each of ALL) ctx.tell(each, "begin", { requests: Math.ceil(n / WORKERS) });
    },
    () => WORKERS,
  ),
  [
    child("dictionary", Dictionary),
    ...ALL.map((_, index) => child(`worker-${index}`, Worker, { args: { index } })),
  ],
);
