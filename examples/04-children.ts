/**
 * 04 · Children on demand. A `dynamic` supervisor starts with none; each `start` gives one more its
 * args, and answers its ref. Who watches a child is told once when it ends, and why.
 *
 *     node examples/04-children.ts
 *
 * Output:
 *     ann is shopping at /shop/carts/ann
 *     bob is shopping at /shop/carts/bob
 *     ann bought 2 things
 *     bob's cart is gone: killed by operator
 *     carts left: 0
 */
import {
  actor,
  app,
  child,
  dynamic,
  dynamicRef,
  formatReason,
  memory,
  ref,
  simulate,
  supervisor,
} from "coppice";
import { z } from "zod";

const Cart = actor("cart", {
  args: z.object({ owner: z.string() }),
  state: z.object({ owner: z.string(), things: z.number() }),
  messages: { add: z.object({}), pay: z.object({}) },
  init: ({ owner }) => ({ owner, things: 0 }),
  on: {
    add: (state) => ({ ...state, things: state.things + 1 }),
    pay: ({ things }, _message, ctx) => ctx.exit({ tag: "shutdown", detail: things }),
  },
});
const carts = dynamicRef("/shop/carts", Cart);

const Door = actor("door", {
  state: z.null(),
  messages: { enter: z.object({ name: z.string() }) },
  init: () => null,
  on: {
    async enter(_state, { name }, ctx) {
      const cart = await ctx.start(carts, { id: name, args: { owner: name } });
      ctx.watch(cart);
      console.log(`${name} is shopping at ${cart.path}`);
    },
  },
  down(_state, { path, reason }) {
    const name = path.split("/").at(-1);
    if (reason.tag === "shutdown") console.log(`${name} bought ${reason.detail} things`);
    else console.log(`${name}'s cart is gone: ${formatReason(reason)}`);
  },
});

const root = supervisor("shop", {}, [
  dynamic("carts", {}, Cart, { restart: "temporary" }), // an end is an end, whatever the reason
  child("door", Door),
]);
const sim = await simulate(app({ store: memory(), root }));
for (const name of ["ann", "bob"]) await sim.tell(ref("/shop/door", Door), "enter", { name });
const ann = ref("/shop/carts/ann", Cart);
for (const type of ["add", "add", "pay"] as const) await sim.tell(ann, type, {});
await sim.kill("/shop/carts/bob");
const left = sim.tree().filter((each) => each.path.startsWith(`${carts.path}/`));
console.log(`carts left: ${left.length}`);
