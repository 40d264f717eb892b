/**
 * 07 · A model with a budget. `model()` is a tool: granted, recorded, paid for. The most a call may cost
 * is held before it is made, and an agent that has spent its quota exits with `quota`. There is no
 * model here: a scripted server says what a script says, so this runs without a key.
 *
 *     node examples/07-model.ts
 *
 * Output:
 *     What is 6 * 7? - 42, says the calculator
 *     once more: quota tokens: 2100 of 3000 at /desk/agent
 */

import {
  actor,
  app,
  ask,
  child,
  formatReason,
  memory,
  model,
  ref,
  start,
  supervisor,
  tool,
} from "coppice";
import { scriptedModel } from "coppice/sim";
import { z } from "zod";

const PORT_ENV = "COPPICE_EXAMPLE_MODEL";
const gpt = model({
  baseUrl: process.env[PORT_ENV] ?? "http://127.0.0.1:9999/v1",
  model: "scripted",
  price: { input: 1, output: 4 }, // dollars for a million tokens
  maxTokens: 200,
});
const multiply = tool("multiply", {
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.number(),
  run: ({ a, b }) => a * b,
});
const functions = [
  { name: "multiply", description: "a * b", parameters: z.toJSONSchema(multiply.input) },
];

const Agent = actor("agent", {
  state: z.null(),
  messages: { question: ask(z.string(), z.string()) },
  init: () => null,
  on: {
    async question(_state, text, ctx) {
      const messages = [{ role: "user" as const, content: text }];
      const { toolCalls } = await ctx.use(gpt, { messages, tools: functions as never });
      const [wanted] = toolCalls; // what the model wrote is checked by the tool's schema
      const result = wanted ? await ctx.use(multiply, JSON.parse(wanted.arguments)) : "no idea";
      const { text: said } = await ctx.use(gpt, {
        messages: [{ role: "user", content: `${result}` }],
      });
      ctx.reply(said);
    },
  },
});
const agent = ref("/desk/agent", Agent);

export default app({
  store: memory(),
  root: supervisor("desk", {}, [
    child("agent", Agent, {
      tools: [gpt, multiply],
      quota: { tokens: 3_000 },
      restart: "temporary",
    }),
  ]),
});

if (import.meta.main) {
  const usage = { input: 1_000, output: 50 };
  const call = { name: "multiply", arguments: { a: 6, b: 7 } };
  await using server = await scriptedModel([
    { toolCalls: [call], usage },
    { text: "42, says the calculator", usage },
  ]);
  process.env[PORT_ENV] = server.url;
  await using system = await start(new URL(import.meta.url), { inspect: false, log: "silent" });
  console.log(`What is 6 * 7? - ${await system.ask(agent, "question", "What is 6 * 7?")}`);
  const end = await system.ask(agent, "question", "x".repeat(500)).catch((error) => error.reason);
  console.log(`once more: ${formatReason(end)}`);
}
