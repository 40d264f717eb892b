// supervisors/crew.ts: each row of its failure table, alone and under random faults.
import {
  ActorError,
  actor,
  app,
  ask,
  child,
  dynamicRef,
  memory,
  ref,
  type Sim,
  type SimulateOptions,
  simulate,
  supervisor,
  tool,
} from "coppice";
import { fake } from "coppice/sim";
import { crew } from "coppice/supervisors/crew";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { everySeed } from "./seeds.ts";

/** Takes a second of virtual time. */
/** Idempotent: a worker that is killed while it thinks may think again. */
const think = tool("think", {
  input: z.object({}),
  output: z.object({}),
  run: () => ({}),
  idempotent: true,
});
const tools = [fake(think, {}, { delay: "1s" })];

const Critic = actor("critic", {
  state: z.object({ pieces: z.array(z.number()) }),
  messages: {
    result: z.object({ piece: z.number() }),
    read: ask(z.object({}), z.array(z.number())),
  },
  init: () => ({ pieces: [] }),
  on: {
    result: ({ pieces }, { piece }) => ({ pieces: [...pieces, piece] }),
    read: ({ pieces }, _message, ctx) => ctx.reply([...pieces].sort((a, b) => a - b)),
  },
});
const critic = ref("/app/crew/critic", Critic);

const Worker = actor("worker", {
  args: z.object({ piece: z.number() }),
  state: z.object({ piece: z.number() }),
  messages: { work: z.object({}) },
  init: (args) => args,
  on: {
    async work({ piece }, _message, ctx) {
      await ctx.use(think, {});
      ctx.tell(critic, "result", { piece });
      ctx.exit();
    },
  },
});
const workers = dynamicRef("/app/crew/workers", Worker);

const Planner = actor("planner", {
  state: z.object({ planned: z.number() }),
  messages: { plan: z.object({ pieces: z.number() }), read: ask(z.object({}), z.number()) },
  init: () => ({ planned: 0 }),
  on: {
    async plan({ planned }, { pieces }, ctx) {
      for (let piece = planned; piece < planned + pieces; piece++) {
        const id = String(piece);
        try {
          await ctx.start(workers, { id, args: { piece } });
        } catch (error) {
          // Started by an earlier life of this very message.
          if (!(error instanceof ActorError && error.message.includes("already_started")))
            throw error;
        }
        ctx.tell(ref(`${workers.path}/${id}`, Worker), "work", {});
      }
      return { planned: planned + pieces };
    },
    read: ({ planned }, _message, ctx) => ctx.reply(planned),
  },
});
const planner = ref("/app/crew/planner", Planner);

const Store = actor("store", {
  state: z.null(),
  messages: {},
  init: () => null,
  on: {},
});

const patient = { intensity: 1_000, period: "1s" as const };

interface Settings extends SimulateOptions {
  durable?: boolean;
  /** Restarts allowed to the workers; null = the crew's default. */
  intensity?: number | null;
  crewIntensity?: number;
}

function begin(settings: Settings): Promise<Sim> {
  const { durable = false, intensity = 1_000, crewIntensity = 1_000, ...options } = settings;
  const limits = intensity === null ? {} : { flags: { intensity, period: "10s" as const } };
  const root = supervisor("app", patient, [
    crew(
      "crew",
      { ...patient, intensity: crewIntensity },
      {
        resources: [child("store", Store)],
        critic: child("critic", Critic, { durable }),
        workers: { behaviour: Worker, settings: { durable, tools: [think] }, ...limits },
        planner: child("planner", Planner, { durable }),
      },
    ),
  ]);
  return simulate(app({ store: memory(), root }), { tools, ...options });
}

const PIECES = 6;
const all = Array.from({ length: PIECES }, (_, piece) => piece);
const plan = (sim: Sim) => sim.tell(planner, "plan", { pieces: PIECES });
/** Path → incarnation, of what runs in the crew. */
const lives = (sim: Sim) =>
  Object.fromEntries(
    sim
      .tree()
      .filter((each) => each.path.startsWith("/app/crew"))
      .map((each) => [each.path.slice("/app/".length), each.incarnation]),
  );
const FIRST = {
  crew: 1,
  "crew/store": 1,
  "crew/critic": 1,
  "crew/workers": 1,
  "crew/planner": 1,
};
const SECOND = {
  crew: 1,
  "crew/store": 2,
  "crew/critic": 2,
  "crew/workers": 2,
  "crew/planner": 2,
};

describe("nobody fails", () => {
  test("all pieces are done, and workers that are done are gone", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed });
      await plan(sim);
      expect(Object.keys(lives(sim))).toHaveLength(5 + PIECES);
      await sim.advance("2s");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
      expect(lives(sim)).toEqual(FIRST);
    }));

  test("the planner starts last", async () => {
    const sim = await begin({});
    const started = sim.events.flatMap((each) => (each.type === "started" ? [each.path] : []));
    expect(started.slice(0, 5)).toEqual(
      ["store", "critic", "workers", "planner", ""].map((id) =>
        id === "" ? "/app/crew" : `/app/crew/${id}`,
      ),
    );
  });
});

describe("a worker ends uncleanly: it alone is restarted", () => {
  test("its piece is lost", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed });
      await plan(sim);
      await sim.advance("500ms");
      await sim.kill("/app/crew/workers/2");
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all.filter((piece) => piece !== 2));
      expect(lives(sim)).toEqual({ ...FIRST, "crew/workers/2": 2 });
    }));

  test("a durable one does its piece again", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, durable: true });
      await plan(sim);
      await sim.advance("500ms");
      await sim.kill("/app/crew/workers/2");
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
      expect(lives(sim)).toEqual(FIRST);
    }));

  test("ten of them in ten seconds are no reason to give up, one more is", async () => {
    const sim = await begin({ intensity: null });
    await plan(sim);
    for (let kill = 0; kill < 10; kill++) await sim.kill(`/app/crew/workers/${kill % 5}`);
    expect(lives(sim)).toMatchObject({ ...FIRST, "crew/workers/0": 3 });
    await sim.kill("/app/crew/workers/0");
    expect(lives(sim)).toEqual(SECOND);
  });
});

describe.each(["planner", "critic", "store"])("the %s ends: all start again", (member) => {
  test("what is not durable is lost", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed });
      await plan(sim);
      await sim.advance("500ms");
      await sim.kill(`/app/crew/${member}`);
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual([]);
      expect(await sim.ask(planner, "read", {})).toBe(0);
      expect(lives(sim)).toEqual(SECOND);
    }));

  test("durable members go on where they were", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, durable: true });
      await plan(sim);
      await sim.advance("500ms");
      await sim.kill(`/app/crew/${member}`);
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
      expect(await sim.ask(planner, "read", {})).toBe(PIECES);
      expect(lives(sim)).toEqual(SECOND);
    }));
});

describe("giving up", () => {
  test("workers give up: all start again", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, intensity: 1 });
      await plan(sim);
      await sim.kill("/app/crew/workers/0");
      expect(lives(sim)).toMatchObject(FIRST);
      await sim.kill("/app/crew/workers/0");
      expect(lives(sim)).toEqual(SECOND);
      expect(await sim.ask(planner, "read", {})).toBe(0);
    }));

  test("the crew gives up: whoever supervises it starts it again", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, crewIntensity: 1, durable: true, intensity: 3 });
      await plan(sim);
      await sim.kill("/app/crew/critic");
      await sim.kill("/app/crew/critic");
      expect(lives(sim)).toMatchObject({ ...FIRST, crew: 2 });
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
    }));
});

describe("whatever goes wrong", () => {
  test("a durable crew does each piece exactly once", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, durable: true, faults: { crash: 0.15, loseThread: 3 } });
      await plan(sim);
      await sim.advance("2m");
      sim.calm();
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
      expect(await sim.ask(planner, "read", {})).toBe(PIECES);
    }));

  test("also when the whole process dies on the way", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, durable: true });
      await plan(sim);
      for (let round = 1; round <= 3; round++) {
        await sim.advance("300ms");
        await sim.crashAndRestart({ steps: seed * round });
      }
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
    }));

  test("a crew without memory is whole again and can be asked anew", () =>
    everySeed(async (seed) => {
      const sim = await begin({ seed, faults: { crash: 0.3, loseThread: 3 } });
      for (let round = 0; round < 10; round++) {
        await plan(sim);
        await sim.advance("700ms");
      }
      sim.calm();
      await sim.kill("/app/crew/planner");
      await sim.advance("1m");
      await plan(sim);
      await sim.advance("1m");
      expect(await sim.ask(critic, "read", {})).toEqual(all);
    }));
});
