// Durable actors that go on by themselves, that put answers off, that are written to from many sides.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask, type Ref, ref } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { seeded } from "../../../src/sim/random.ts";
import { Bench } from "../../conformance/harness.ts";
import { told } from "../../conformance/server-harness.ts";

const next = { when: "next" } as const;
const lines: string[] = [];
const Log = actor("log", {
  state: z.null(),
  messages: { line: z.string() },
  init: () => null,
  on: {
    line: (_state, text) => {
      lines.push(text);
    },
  },
});
const log = ref("/s/log", Log);

/** Counts to five by itself; a step a tick when `waits`. */
const Walker = actor("walker", {
  args: z.boolean(),
  state: z.object({ n: z.number(), waits: z.boolean(), seen: z.array(z.string()) }),
  messages: { tick: z.null(), note: z.string(), two: z.null() },
  init: (waits, ctx) => {
    ctx.after(0, "tick", null, next);
    return { n: 0, waits, seen: [] };
  },
  on: {
    tick: async (state, _null, ctx) => {
      const n = state.n + 1;
      if (state.waits) await ctx.step("wait", () => n);
      ctx.tell(log, "line", `${n}`);
      if (n < 5) ctx.after(0, "tick", null, next);
      return { ...state, n, seen: [...state.seen, `${n}`] };
    },
    note: (state, text) => ({ ...state, seen: [...state.seen, text] }),
    two: async (state, _null, ctx) => {
      ctx.after(0, "note", "first", next);
      await ctx.step("wait", () => null);
      ctx.after(0, "note", "second", next);
      return { ...state, seen: ["two"] };
    },
  },
});

type Walk = { n: number; seen: string[] };

async function walking(seed: number, waits: boolean, durable = true): Promise<Bench> {
  lines.length = 0;
  const t = new Bench({ threads: 2, seed });
  t.world.start(
    supervisor("s", { intensity: 50 }, [
      child("log", Log),
      child("a", Walker, { durable, args: waits }),
    ]),
  );
  return t;
}

for (const waits of [false, true]) {
  test(`a continuation survives kills at any point${waits ? ", also while it waits" : ""}`, async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const t = await walking(seed, waits);
      const random = seeded(seed);
      for (let kills = 0; kills < 4; kills++) {
        for (let i = Math.floor(random() * 30); i > 0 && t.world.step(); i--) {
          if (t.world.takeLoose()) await t.world.drain();
        }
        t.world.send({ kind: "kill", to: "/s/a", life: 0, by: "operator" });
      }
      await t.settle();
      // The first kills may have hit the start, which then fails.
      if (!t.alive("a")) continue;
      expect(await t.state("a")).toMatchObject({ n: 5, seen: ["1", "2", "3", "4", "5"] });
      expect(lines).toEqual(["1", "2", "3", "4", "5"]);
    }
  });
}

test("a continuation goes before what is queued, durable or not; several keep their order", async () => {
  for (const durable of [false, true]) {
    const t = await walking(1, false, durable);
    await t.settle();
    t.world.send(t.world.control.mail("/s/a", "two", null, "", 0));
    for (const text of ["queued", "last"]) {
      t.world.send(t.world.control.mail("/s/a", "note", text, "", 0));
    }
    const { seen } = (await t.state("a")) as Walk;
    expect(seen).toEqual(["two", "first", "second", "queued", "last"]);
  }
});

/** Puts its answer off, and waits before it has finished the message that asked. */
const Desk = actor("desk", {
  state: z.null(),
  messages: {
    question: ask(z.string(), z.string()),
    never: ask(z.string(), z.string()),
    answer: z.string(),
  },
  init: () => null,
  on: {
    question: async (_state, text, ctx) => {
      put = ctx.defer();
      if (crashes-- > 0) throw new Error("after the deferral");
      await ctx.step("wait", () => (held ? new Promise(() => {}) : null));
      ctx.tell(ctx.self, "answer", `answer to ${text}`);
    },
    never: (_state, _text, ctx) => void ctx.defer(),
    answer: (_state, text) => put?.reply(text),
  },
});
let put: { reply(text: string): void } | null = null;
let held = false;
let crashes = 0;

test("who asked waits on when the actor dies before it has finished the question", async () => {
  const t = new Bench();
  await t.start(supervisor("s", { intensity: 5 }, [child("a", Desk, { durable: true })]));
  const answers: unknown[] = [];
  const question = () =>
    t.world.control.request("/s/a", "question", "x", 5_000, (got) => answers.push(told(got)));
  held = true;
  question();
  await t.settle();
  held = false;
  await t.kill("a");
  expect(answers).toEqual(["answer to x"]);
});

test("the same when it crashes after it has put the answer off", async () => {
  const t = new Bench();
  const a = child("a", Desk, { durable: true, maxDeliveries: 3 });
  await t.start(supervisor("s", { intensity: 5 }, [a]));
  crashes = 2;
  expect(told(await t.ask("a", "question", "y"))).toBe("answer to y");
  expect(t.downs("a")).toHaveLength(2);
  // Given up in the end, the asker is told why.
  crashes = 3;
  expect(told(await t.ask("a", "question", "z"))).toBe("exited: error Error: after the deferral");
});

test("a put-off answer to a finished question dies with the actor, and the asker is told", async () => {
  const t = new Bench();
  await t.start(supervisor("s", { intensity: 5 }, [child("a", Desk, { durable: true })]));
  const answers: unknown[] = [];
  t.world.control.request("/s/a", "never", "x", 5_000, (got) => answers.push(told(got)));
  await t.settle();
  await t.kill("a");
  expect(answers).toEqual(["exited: killed by operator"]);
});

/** Takes jobs from everywhere; each is a step between two lines. */
const Worker = actor("worker", {
  state: z.array(z.string()),
  messages: { job: z.string() },
  init: (): string[] => [],
  on: {
    job: async (state, text, ctx) => {
      ctx.tell(log, "line", `begin ${text}`);
      await ctx.step("work", () => text);
      ctx.tell(log, "line", `end ${text}`);
      return [...state, text];
    },
  },
});
const Boss = actor("boss", {
  state: z.null(),
  messages: { order: z.string() },
  init: () => null,
  on: {
    order: (_state, text, ctx) =>
      ctx.tell({ path: "/s/a", behaviour: "worker" } as Ref<{ job: z.ZodString }>, "job", text),
  },
});

test("jobs from durable and other senders: each is begun and ended once, through all kills", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    lines.length = 0;
    const t = new Bench({ threads: 2, seed });
    const random = seeded(seed);
    const bosses = ["b", "c", "d"].map((id) => child(id, Boss, { durable: id !== "d" }));
    const a = child("a", Worker, { durable: true });
    await t.start(supervisor("s", { intensity: 50 }, [child("log", Log), a, ...bosses]));
    const jobs: string[] = [];
    for (let i = 0; i < 8; i++) {
      const from = ["b", "c", "d", ""][Math.floor(random() * 4)] as string;
      jobs.push(`${from}${i}`);
      const [to, type] = from === "" ? ["/s/a", "job"] : [`/s/${from}`, "order"];
      t.world.send(t.world.control.mail(to as string, type as string, `${from}${i}`, "", 0));
      for (let n = Math.floor(random() * 12); n > 0 && t.world.step(); n--) {
        if (t.world.takeLoose()) await t.world.drain();
      }
      if (random() < 0.5) t.world.send({ kind: "kill", to: "/s/a", life: 0, by: "operator" });
    }
    await t.settle();
    const done = (await t.state("a")) as string[];
    expect(done.toSorted()).toEqual(jobs.toSorted());
    expect(lines).toEqual(done.flatMap((job) => [`begin ${job}`, `end ${job}`]));
  }
});
