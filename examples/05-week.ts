/**
 * 05 · A week in no time. `simulate` runs the real tree in virtual time, under one seed: same seed,
 * same run, faults included. Here a reporter asks a model every hour, the model is a scripted fake
 * that takes 20 s and is sometimes overloaded, and threads are lost and actors killed on the way.
 *
 *     node examples/05-week.ts
 *
 * Output:
 *     168 reports in 7 days, none twice
 *     repeated with the same seed: the same run
 *     and with another one: 168 reports, another run
 */
import { actor, app, ask, child, memory, ref, simulate, supervisor, tool } from "coppice";
import { fake, inTurn } from "coppice/sim";
import { z } from "zod";

const model = tool("model", {
  input: z.object({ prompt: z.string() }),
  output: z.object({ text: z.string() }),
  run: () => Promise.reject(new Error("here the real model would be asked")),
});

const Reporter = actor("reporter", {
  state: z.object({ due: z.number(), reports: z.array(z.number()) }),
  messages: { wake: z.object({}), reports: ask(z.object({}), z.array(z.number())) },
  init: () => ({ due: 1, reports: [] }),
  on: {
    async wake(state, _message, ctx) {
      if (ctx.now() < state.due * 3_600_000) return state; // not yet
      await ctx.use(model, { prompt: `report ${state.due}` }); // overloaded: a crash, and again
      return { due: state.due + 1, reports: [...state.reports, state.due] };
    },
    reports: ({ reports }, _message, ctx) => ctx.reply(reports),
  },
});
const reporter = ref("/news/reporter", Reporter);

const Clock = actor("clock", {
  state: z.null(),
  messages: { tick: z.object({}) },
  init: (_args, ctx) => {
    ctx.after("1m", "tick", {});
    return null;
  },
  on: {
    tick(_state, _message, ctx) {
      ctx.tell(reporter, "wake", {});
      ctx.after("1m", "tick", {});
    },
  },
});

const root = supervisor("news", { intensity: 100, period: "1m" }, [
  child("reporter", Reporter, { durable: true, tools: [model], maxDeliveries: 3 }),
  child("clock", Clock),
]);
const run = async (seed: number) => {
  const answers = inTurn({ text: "calm" }, new Error("overloaded"), { text: "storm" });
  const sim = await simulate(app({ store: memory(), root }), {
    seed,
    days: 7,
    faults: { crash: 0.01, loseThread: 0.01 },
    tools: [fake(model, answers, { delay: "20s" })],
  });
  sim.calm();
  await sim.advance("10m");
  return { reports: await sim.ask(reporter, "reports", {}), hash: sim.hash };
};

const [first, again, other] = [await run(1), await run(1), await run(2)];
const once = new Set(first.reports).size === first.reports.length;
console.log(`${first.reports.length} reports in 7 days, ${once ? "none" : "some"} twice`);
console.log(
  `repeated with the same seed: ${again.hash === first.hash ? "the same" : "another"} run`,
);
const same = other.hash === first.hash ? "the same" : "another";
console.log(`and with another one: ${other.reports.length} reports, ${same} run`);
