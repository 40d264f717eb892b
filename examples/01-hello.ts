/**
 * 01 · Hello. A behaviour is a named value: schemas, a first state, one handler a message. An app is
 * a tree of children that run behaviours. `start` runs it on real threads, each of which imports
 * this very module; what is sent is data. A `tell` is not answered, an `ask` is.
 *
 *     node examples/01-hello.ts
 *
 * Output:
 *     Hello, Ann!
 *     Hello again, Bob!
 *     2 people greeted
 */
import { actor, app, ask, child, memory, ref, start, supervisor } from "coppice";
import { z } from "zod";

export const Greeter = actor("greeter", {
  args: z.object({ greeting: z.string() }),
  state: z.object({ greeting: z.string(), greeted: z.number() }),
  messages: {
    greet: ask(z.object({ name: z.string() }), z.string()),
    change: z.object({ greeting: z.string() }),
    count: ask(z.object({}), z.number()),
  },
  init: ({ greeting }) => ({ greeting, greeted: 0 }),
  on: {
    greet(state, { name }, ctx) {
      ctx.reply(`${state.greeting}, ${name}!`);
      return { ...state, greeted: state.greeted + 1 }; // the next state
    },
    change: (state, { greeting }) => ({ ...state, greeting }),
    count: ({ greeted }, _message, ctx) => ctx.reply(greeted), // nothing returned: state unchanged
  },
});

export default app({
  store: memory(),
  root: supervisor("hello", {}, [child("greeter", Greeter, { args: { greeting: "Hello" } })]),
});

if (import.meta.main) {
  await using system = await start(import.meta.url, { threads: 2, inspect: false });
  const greeter = ref("/hello/greeter", Greeter); // a ref is a name: data, like everything sent
  console.log(await system.ask(greeter, "greet", { name: "Ann" }));
  system.tell(greeter, "change", { greeting: "Hello again" });
  console.log(await system.ask(greeter, "greet", { name: "Bob" }));
  console.log(`${await system.ask(greeter, "count", {})} people greeted`);
}
