// What few handlers have besides sending: made when needed, and what is spent adds up over awaits.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor, ask, child, type Ref, ref, supervisor } from "../../../src/index.ts";
import type { Fact } from "../../../src/kernel/events.ts";
import { Kernel } from "../../../src/kernel/kernel.ts";
import type { KernelOptions, Meter } from "../../../src/kernel/ports.ts";
import type { Verbs } from "../../../src/kernel/verbs.ts";

const LIMIT = 1_000;
/** More than it takes. */
const TURNS = 1_000;

/** A meter that counts what the test says. */
class Count implements Meter {
  left = 0;
  #hard = 0;
  yielding = () => Promise.resolve();

  arm(_most: number, hard: number): void {
    this.left = this.#hard = hard;
  }

  used(): number {
    return this.#hard - this.left;
  }

  over(): boolean {
    return this.left < 0;
  }
}

const answering = { question: ask(z.null(), z.null()) };
const Answering = actor("answering", {
  state: z.null(),
  messages: answering,
  init: () => null,
  on: { question: (_state, _null, ctx) => void ctx.reply(null) },
});
const answers: Ref<typeof answering> = ref("/s/answering", Answering);

let meter: Count;
let hadMore: boolean[] = [];
const Working = actor("working", {
  state: z.null(),
  messages: { work: z.array(z.number()), tell: z.null(), told: z.null() },
  init: () => null,
  on: {
    async work(_state, parts, ctx) {
      for (const part of parts) {
        meter.left -= part;
        await ctx.ask(answers, "question", null);
      }
    },
    tell(_state, _null, ctx) {
      const verbs = ctx as unknown as Verbs;
      for (let i = 0; i < 3; i++) ctx.tell(ref("/s/working", Working), "told", null);
      hadMore.push(verbs.own !== null);
      ctx.log.info("nothing more");
      void ctx.ask(answers, "question", null);
      hadMore.push(verbs.own !== null);
    },
    told: () => {},
  },
});

/** Runs until nobody has anything to do, where promise callbacks can be drained. @returns exits */
async function exitsAfter(type: string, message: unknown): Promise<Fact[]> {
  const facts: Fact[] = [];
  meter = new Count();
  const options = {
    thread: 0,
    control: 0,
    route: () => 0,
    place: () => 0,
    random: () => 0,
    nowMs: 0,
    tools: {},
    onRoot: () => {},
    meter,
    drain: (process as unknown as { _tickCallback: () => void })._tickCallback,
    sink: (fact: Fact) => facts.push(fact),
  };
  const kernel = new Kernel(options as unknown as KernelOptions);
  const working = child("working", Working, { maxReductions: LIMIT });
  const spec = supervisor("s", { intensity: 1 }, [child("answering", Answering), working]);
  const parent = "~0";
  const start = { kind: "start", to: "/s", life: 1, incarnation: 1, spec, args: undefined, parent };
  // (Where promise callbacks can be drained. What throws here must be heard of.)
  const run = () => {
    kernel.deliver(start as never);
    for (let turns = 0; kernel.runTurn() && turns < TURNS; turns++);
    kernel.send(kernel.mail("/s/working", type, message, "", 0), null);
    for (let turns = 0; kernel.runTurn() && turns < TURNS; turns++);
  };
  await new Promise<void>((done, failed) => {
    setImmediate(() => {
      try {
        done(run());
      } catch (thrown) {
        failed(thrown);
      }
    });
  });
  return facts.filter((fact) => fact.type === "exited");
}

test("what a handler has used before it waited counts afterwards", async () => {
  expect(await exitsAfter("work", [300, 300, 300])).toEqual([]);
  const [exit] = await exitsAfter("work", [300, 300, 500]);
  const reason = { tag: "quota", resource: "reductions", limit: LIMIT, used: 1_100 };
  expect(exit).toMatchObject({ path: "/s/working", reason });
});

test("a handler that only sends has nothing more than that made for it", async () => {
  hadMore = [];
  expect(await exitsAfter("tell", null)).toEqual([]);
  expect(hadMore).toEqual([false, true]);
});
