// The first program of DESIGN §11, as it stands there: it must compile. Nothing starts it: this
// version has no microVM.

import { actor, app, ask, child, microvm, sqlite, supervisor, tool } from "coppice";
import { z } from "zod";

const python = tool("python", {
  input: z.object({ code: z.string() }),
  output: z.object({ stdout: z.string() }),
  sandbox: microvm({ memoryMb: 128, timeout: "10s", network: "none" }),
  run: "python3",
});

export const Analyst = actor("analyst", {
  args: z.object({ desk: z.string() }),
  state: z.object({ desk: z.string(), answered: z.number() }),
  messages: {
    question: ask(z.object({ text: z.string() }), z.object({ text: z.string() })),
    reset: z.object({}),
  },
  init: ({ desk }) => ({ desk, answered: 0 }),
  on: {
    async question(state, { text }, ctx) {
      const { stdout } = await ctx.use(python, { code: text }); // policy, microVM, recorded
      ctx.reply({ text: stdout });
      return { ...state, answered: state.answered + 1 }; // next state; nothing = unchanged
    },
    reset: (state) => ({ ...state, answered: 0 }),
  },
});

export default app({
  store: sqlite("./data"),
  root: supervisor("desk", { strategy: "rest_for_one", intensity: 3, period: "5s" }, [
    child("analyst", Analyst, {
      args: { desk: "rates" },
      durable: true,
      tools: [python],
      quota: { tokens: 20_000, usd: 1, wall: "5m" },
    }),
  ]),
});
