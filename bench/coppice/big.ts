/** Owns: big on the real runtime: 120 supervised actors that ping each other at random. */
import { actor, type Context, child, type Ref } from "coppice";
import { z } from "zod";
import { nextRandom } from "../lib/random.ts";
import { BIG } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver, refTo } from "./driver.ts";

const messages = {
  begin: z.object({ pings: z.number() }),
  ping: z.object({ from: z.number() }),
  pong: z.object({}),
};
const PEERS = Array.from(
  { length: BIG },
  (_, index): Ref<typeof messages> => refTo(`/bench/peer-${index}`, "peer"),
);

interface State {
  readonly index: number;
  left: number;
  seed: number;
}

/** The next ping to somebody at random. The state is this actor's own: it may be changed in place. */
function ping(state: State, ctx: Pick<Context, "tell">): void {
  state.seed = nextRandom(state.seed);
  ctx.tell(PEERS[state.seed % BIG]!, "ping", { from: state.index });
}

const Peer = actor("peer", {
  args: z.object({ index: z.number() }),
  state: z.custom<State>(),
  messages,
  init: ({ index }) => ({ index, left: 0, seed: index + 1 }),
  on: {
    begin(state, { pings }, ctx) {
      state.left = pings;
      ping(state, ctx);
    },
    ping(_, { from }, ctx) {
      ctx.tell(PEERS[from]!, "pong", {});
    },
    pong(state, _, ctx) {
      if (--state.left > 0) ping(state, ctx);
      else ctx.tell(DRIVER, "done", {});
    },
  },
});

export default benchApp(
  driver(
    (ctx, n) => {
      for (const peer of PEERS) ctx.tell(peer, "begin", { pings: Math.ceil(n / 2 / BIG) });
    },
    () => BIG,
  ),
  PEERS.map((_, index) => child(`peer-${index}`, Peer, { args: { index } })),
);
