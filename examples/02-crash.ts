/**
 * 02 · A crash. What a handler throws ends its actor; the supervisor starts it again under the same
 * path. A durable child comes back with the state of its last finished message and with its mail;
 * any other one begins anew. A message that crashes its actor again and again is put aside.
 *
 *     node examples/02-crash.ts
 *
 * Output:
 *     before: kept 3, plain 3
 *     after the crash: kept 3, plain 0
 *     /till/kept was started 4 times, /till/plain was started 2 times
 *     put aside: take from /till/kept, max_deliveries
 */
import { actor, app, ask, child, memory, ref, simulate, supervisor } from "coppice";
import { z } from "zod";

const Till = actor("till", {
  state: z.object({ coins: z.number() }),
  messages: {
    put: z.object({ coins: z.number() }),
    take: z.object({ coins: z.number() }),
    count: ask(z.object({}), z.number()),
  },
  init: () => ({ coins: 0 }),
  on: {
    put: ({ coins }, message) => ({ coins: coins + message.coins }),
    take({ coins }, message) {
      if (message.coins > coins) throw new RangeError("not enough"); // all there is to do
      return { coins: coins - message.coins };
    },
    count: ({ coins }, _message, ctx) => ctx.reply(coins),
  },
});

const tills = app({
  store: memory(),
  root: supervisor("till", { strategy: "one_for_one", intensity: 5, period: "5s" }, [
    child("kept", Till, { durable: true, maxDeliveries: 3 }),
    child("plain", Till),
  ]),
});

const sim = await simulate(tills); // the same tree on a real node: see 01
const both = [ref("/till/kept", Till), ref("/till/plain", Till)] as const;
const show = async (when: string) => {
  const [kept, plain] = await Promise.all(both.map((till) => sim.ask(till, "count", {})));
  console.log(`${when}: kept ${kept}, plain ${plain}`);
};

for (const till of both) await sim.tell(till, "put", { coins: 3 });
await show("before");
for (const till of both) await sim.tell(till, "take", { coins: 5 });
await show("after the crash");
const starts = sim.tree().filter((each) => each.kind === "actor");
console.log(
  `${starts.map((each) => `${each.path} was started ${each.incarnation} times`).join(", ")}`,
);
for (const each of sim.events) {
  if (each.type === "dead_letter")
    console.log(`put aside: ${each.message} from ${each.path}, ${each.reason}`);
}
