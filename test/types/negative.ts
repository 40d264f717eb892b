// Programs that must not compile: each case is one line below a directive. `npm run typecheck` says
// when a line has no error; types.test.ts removes the directives and checks that each line has one
// of its own. Nothing runs this file.
import {
  actor,
  app,
  ask,
  type Context,
  child,
  dynamic,
  dynamicRef,
  microvm,
  probe,
  ref,
  refSchema,
  simulate,
  sqlite,
  start,
  supervisor,
  tool,
} from "coppice";
import { fake } from "coppice/sim";
import { z } from "zod";

const python = tool("python", {
  input: z.object({ code: z.string() }),
  output: z.object({ stdout: z.string() }),
  run: ({ code }) => ({ stdout: code }),
});

const Analyst = actor("analyst", {
  args: z.object({ desk: z.string() }),
  state: z.object({ desk: z.string(), answered: z.number() }),
  messages: {
    question: ask(z.object({ text: z.string() }), z.object({ text: z.string() })),
    reset: z.object({}),
    note: z.object({ text: z.string() }),
  },
  init: ({ desk }) => ({ desk, answered: 0 }),
  on: {
    question: (_state, { text }, ctx) => ctx.reply({ text }),
    reset: (state) => ({ ...state, answered: 0 }),
    note: () => {},
  },
});
const Plain = actor("plain", {
  state: z.null(),
  messages: { go: z.object({}) },
  init: () => null,
  on: { go: () => {} },
});

const analyst = ref("/desk/analyst", Analyst);
const analysts = dynamicRef("/desk/analysts", Analyst);
const args = { desk: "rates" };
declare const ctx: Context<(typeof Analyst)["messages"], { text: string }>;

/* ---- tell and ask ---- */

export async function sends() {
  // @ts-expect-error a message type that does not exist
  ctx.tell(analyst, "restart", {});
  // @ts-expect-error a wrong payload
  ctx.tell(analyst, "note", { text: 1 });
  // @ts-expect-error a payload with a field missing
  ctx.tell(analyst, "note", {});
  // @ts-expect-error a payload with a field too many
  ctx.tell(analyst, "note", { text: "x", color: "red" });
  // @ts-expect-error telling what must be asked: nobody would get the answer
  ctx.tell(analyst, "question", { text: "x" });
  // @ts-expect-error asking what is told: nobody would answer
  await ctx.ask(analyst, "reset", {});
  // @ts-expect-error an ask with a wrong payload
  await ctx.ask(analyst, "question", { question: "x" });
  // @ts-expect-error a field that the answer does not have
  (await ctx.ask(analyst, "question", { text: "x" })).stdout;
  // @ts-expect-error a duration that means nothing
  await ctx.ask(analyst, "question", { text: "x" }, { timeout: "5 seconds" });
  // @ts-expect-error a ref without a behaviour
  ctx.tell("/desk/analyst", "reset", {});
}

/* ---- the other verbs ---- */

export async function verbs() {
  // @ts-expect-error a wrong answer
  ctx.reply({ stdout: "x" });
  // @ts-expect-error a wrong answer, later
  ctx.defer().reply("x");
  // @ts-expect-error a tool's wrong input
  await ctx.use(python, { text: "x" });
  // @ts-expect-error a field that the tool's output does not have
  (await ctx.use(python, { code: "x" })).text;
  // @ts-expect-error wrong args for a child
  await ctx.start(analysts, { args: { desk: 1 } });
  // @ts-expect-error no args for a child that needs them
  await ctx.start(analysts, {});
  // @ts-expect-error children are started under a supervisor, not under an actor
  await ctx.start(analyst, { args });
  // @ts-expect-error a timer of a type that does not exist
  ctx.after("5s", "wake", {});
  // @ts-expect-error a timer with a wrong payload
  ctx.after("5s", "note", { text: 1 });
  // @ts-expect-error a timer cannot ask
  ctx.after("5s", "question", { text: "x" });
  // @ts-expect-error an exit reason that does not exist
  ctx.exit({ tag: "tired" });
  // @ts-expect-error the step's result is what its function gives
  (await ctx.step("count", () => 42)).length;
}

/* ---- behaviours ---- */

const base = { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) };
const { state } = base;
const question = ask(z.null(), z.string());
const by = z.object({ by: z.number() });

// @ts-expect-error a message without a handler
actor("a", { ...base, messages: { go: z.object({}), stop: z.object({}) }, on: { go() {} } });
// @ts-expect-error a handler without a message
actor("a", { ...base, messages: { go: z.object({}) }, on: { go() {}, stop() {} } });
// @ts-expect-error a handler that returns a wrong state
actor("a", { ...base, messages: { go: z.object({}) }, on: { go: () => ({ n: "1" }) } });
// @ts-expect-error an async handler that returns a wrong state
actor("a", { ...base, messages: { go: z.object({}) }, on: { go: async () => ({ m: 1 }) } });
// @ts-expect-error a first state that does not fit
actor("a", { state, messages: {}, init: () => ({ n: "0" }), on: {} });
// @ts-expect-error a handler that takes another message
actor("a", { ...base, messages: { go: z.object({}) }, on: { go: (_s, _m: { by: 1 }) => {} } });
// @ts-expect-error reading a field that the message does not have
actor("a", { ...base, messages: { go: by }, on: { go: (_s, m) => void m.to } });
// @ts-expect-error a tell has no answer
actor("a", { ...base, messages: { go: z.object({}) }, on: { go: (_s, _m, c) => c.reply(1) } });
// @ts-expect-error an ask has an answer of its own type
actor("a", { ...base, messages: { go: question }, on: { go: (_s, _m, c) => c.reply(1) } });

/* ---- trees ---- */

// @ts-expect-error no args
child("analyst", Analyst);
// @ts-expect-error settings without args
child("analyst", Analyst, { durable: true });
// @ts-expect-error wrong args
child("analyst", Analyst, { args: { desk: 1 } });
// @ts-expect-error args for a behaviour without any
child("plain", Plain, { args: { desk: "rates" } });
// @ts-expect-error a restart word that does not exist
child("plain", Plain, { restart: "always" });
// @ts-expect-error a shutdown that is no duration
child("plain", Plain, { shutdown: "soon" });
// @ts-expect-error a setting that does not exist
child("plain", Plain, { persistent: true });
// @ts-expect-error a limit that does not exist
child("plain", Plain, { quota: { eur: 1 } });
// @ts-expect-error a tool by its name
child("plain", Plain, { tools: ["python"] });
// @ts-expect-error no behaviour
child("plain", { name: "plain" });
// @ts-expect-error a strategy that does not exist
supervisor("desk", { strategy: "one_for_two" }, []);
// @ts-expect-error a behaviour is no child
supervisor("desk", {}, [Plain]);
// @ts-expect-error a dynamic supervisor has one strategy
dynamic("desks", { strategy: "one_for_all" }, Plain);
// @ts-expect-error the root is a supervisor
app({ root: child("plain", Plain) });
// @ts-expect-error a durability that does not exist
sqlite("./data", { durability: "maybe" });
// @ts-expect-error a network that does not exist
microvm({ network: "all" });

/* ---- from outside, and in tests ---- */

export async function outside() {
  // @ts-expect-error an option that does not exist
  const system = await start("./desk.ts", { workers: 2 });
  // @ts-expect-error a wrong payload
  system.tell(analyst, "note", { text: 1 });
  // @ts-expect-error wrong args
  await system.start(analysts, { args: { desk: 1 } });
  // @ts-expect-error no args
  await system.start(analysts, { id: "x" });
  // @ts-expect-error a plain ref says nothing of messages
  await system.ask(refSchema.parse(0), "question", { text: 1 }).then((reply) => reply.text);
}

export async function tests() {
  const probed = probe(Analyst, { args });
  const sim = await simulate(app({ root: supervisor("desk", {}, []) }), { days: 7 });
  // @ts-expect-error a probe without args
  probe(Analyst);
  // @ts-expect-error a wrong payload
  await probed.tell("note", { text: 1 });
  // @ts-expect-error telling what must be asked
  await probed.tell("question", { text: "x" });
  // @ts-expect-error a field that the answer does not have
  (await probed.ask("question", { text: "x" })).reply.stdout;
  // @ts-expect-error a field that the state does not have
  probed.state.count;
  // @ts-expect-error a fake that answers what the tool cannot
  probed.with(python, { text: "x" });
  // @ts-expect-error an answer of somebody else that he cannot give
  probed.answer(analyst, "question", { stdout: "x" });
  // @ts-expect-error a fake that reads what the tool is not given
  fake(python, ({ text }) => ({ stdout: text }));
  // @ts-expect-error telling what must be asked
  await sim.tell(analyst, "question", { text: "x" });
  // @ts-expect-error wrong args
  await sim.start(analysts, { args: { desk: 1 } });
}
