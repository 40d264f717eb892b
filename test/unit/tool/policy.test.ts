/** Policies: rules as data, what fails on the way is a denial, and people who are asked. */
import { app, child, human, memory, ref, rules, supervisor, tool } from "coppice";
import { fake, simulate } from "coppice/sim";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ActorError } from "../../../src/actor/errors.ts";
import { Human } from "../../../src/actor/human.ts";
import type { Condition, Policy, Rule } from "../../../src/actor/policy.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { decide } from "../../../src/tool/policy.ts";

const call = (tool: string, input: unknown = {}, path = "/desk/agent") =>
  ({ tool, input, path, tier: "inline" }) as const;

const word = fc.constantFrom("", "a", "read", "readme", "write", "https://x", "https://xy");
const plain = fc.oneof(
  ...[word, fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constant(null)],
  fc.constantFrom(Number.NaN, Infinity, 2.5),
);
const limit = fc.constantFrom(0, 1, 2, 3, -Infinity, Number.NaN);
const conditionOf = fc.oneof<fc.Arbitrary<Condition>[]>(
  fc.record({ equals: plain, not: fc.boolean() }),
  fc.record({ oneOf: fc.array(plain, { maxLength: 3 }) }),
  fc.record({ startsWith: word, not: fc.boolean() }),
  fc.record({ matches: fc.constantFrom(/read/, /^https/, /wri/), not: fc.boolean() }),
  fc.record({ min: limit, max: limit, equals: plain, not: fc.boolean() }, { requiredKeys: [] }),
  fc.record({ min: limit }),
  fc.record({ max: limit }),
  fc.record({ min: limit, matches: fc.constantFrom(/read/, /^https/) }),
);
const someField = fc.constantFrom("a", "b", "c.d");
const someRule = fc
  .tuple(fc.dictionary(someField, conditionOf, { maxKeys: 3 }), fc.nat())
  .map(([input, n]): Rule => ({ input, decision: { deny: `${n}` } }));
const someInput = fc.record(
  { a: plain, b: plain, c: fc.record({ d: plain }) },
  { requiredKeys: [] },
);

/** What a rule says, word by word. */
function fitsByHand({ input = {} }: Rule, { a, b, c }: Record<string, unknown>): boolean {
  const values: Record<string, unknown> = { a, b, "c.d": (c as { d: unknown } | undefined)?.d };
  return Object.entries(input).every(([field, condition]) => {
    const { equals, oneOf, startsWith, matches, min, max, not = false } = condition;
    const value = values[field];
    const text = typeof value === "string" ? value : null;
    const holds =
      value !== undefined &&
      (equals === undefined || value === equals) &&
      (oneOf === undefined || oneOf.includes(value as null)) &&
      (startsWith === undefined || (text?.startsWith(startsWith) ?? false)) &&
      (matches === undefined || (text !== null && matches.test(text))) &&
      (min === undefined || (typeof value === "number" && value >= min)) &&
      (max === undefined || (typeof value === "number" && value <= max));
    return holds !== not;
  });
}

describe("rules", () => {
  const policy = rules([
    { tool: "pay", path: "/desk/intern", decision: { deny: "interns do not pay" } },
    { tool: "pay", input: { eur: { max: 100 } }, decision: "allow" },
    { tool: "pay", decision: { ask: "/desk/ops" } },
    { tool: "fetch*", input: { "to.host": { oneOf: ["example.org"] } }, decision: "allow" },
    { tool: "fetch*", decision: { deny: "not that host" } },
    { path: ["/desk/*/raw", "/lab/**"], decision: { deny: "no tools here" } },
    { tier: ["process"], decision: { deny: "too weak" } },
  ]);

  test.each<[string, Parameters<Policy>[0], unknown]>([
    ["the first that fits", call("pay", { eur: 7 }), "allow"],
    ["an order before another", call("pay", { eur: 7 }, "/desk/intern"), /interns/],
    ["over the limit", call("pay", { eur: 101 }), { ask: "/desk/ops" }],
    ["a field that is absent fits no limit", call("pay", {}), { ask: "/desk/ops" }],
    ["a field of another type neither", call("pay", { eur: "7" }), { ask: "/desk/ops" }],
    ["a field of a field", call("fetchUrl", { to: { host: "example.org" } }), "allow"],
    ["and another value", call("fetchUrl", { to: { host: "example.org.evil" } }), /host/],
    ["an inherited field is none", call("fetch", Object.create({ to: {} })), /host/],
    ["one part of a path", call("x", {}, "/desk/a/raw"), /no tools/],
    ["not two", call("x", {}, "/desk/a/b/raw"), "allow"],
    ["any number of parts", call("x", {}, "/lab/a/b/c"), /no tools/],
    ["a dot is a dot", call("x", {}, "/labX/a"), "allow"],
    ["none fits: what was granted runs", call("y"), "allow"],
  ])("%s", (_, asked, expected) => {
    const said = decide(policy, asked);
    const words = typeof said === "object" && "deny" in said ? said.deny : said;
    if (expected instanceof RegExp) expect(words).toMatch(expected);
    else expect(words).toEqual(expected);
  });

  const conditions: [Rule["input"], unknown, boolean][] = [
    [{ a: { equals: null } }, { a: null }, true],
    [{ a: { startsWith: "https://" } }, { a: "http://x" }, false],
    [{ a: { startsWith: "https://", not: true } }, { a: "http://x" }, true],
    [{ a: { startsWith: "https://", not: true } }, {}, true],
    [{ a: { matches: /^\d+$/g } }, { a: "12" }, true],
    [{ a: { min: 1, max: 3 } }, { a: 4 }, false],
    [{ a: { min: 1 }, b: { equals: true } }, { a: 2, b: true }, true],
    [{ a: { min: 1 }, b: { equals: true } }, { a: 2, b: false }, false],
  ];
  test.each(conditions)("%j of %j: %j", (input, value, fits) => {
    const own = rules([{ ...(input ? { input } : {}), decision: "allow" }], { deny: "no" });
    // Twice: an expression with the flag g has a memory.
    for (let i = 0; i < 2; i++) expect(decide(own, call("t", value)) === "allow").toBe(fits);
  });

  test("found by what it needs, a rule decides as when each is looked at in order", () => {
    const all = fc.tuple(fc.array(someRule, { maxLength: 60 }), fc.array(someInput));
    const check = fc.property(all, ([list, inputs]) => {
      const policy = rules(list, { deny: "none" });
      for (const input of inputs) {
        const first = list.find((rule) => fitsByHand(rule, input));
        expect(decide(policy, call("t", input))).toEqual(first?.decision ?? { deny: "none" });
      }
    });
    fc.assert(check, { numRuns: 300 });
  });

  test.each<[string, () => unknown]>([
    ["no list", () => rules("allow" as never)],
    ["no decision", () => rules([{ tool: "x" } as never])],
    ["an unknown word", () => rules([{ tools: "x", decision: "allow" } as never])],
    [
      "an unknown condition",
      () => rules([{ input: { a: { is: 1 } }, decision: "allow" } as never]),
    ],
    ["a pattern that is none", () => rules([{ tool: 7, decision: "allow" } as never])],
    ["a relative path to ask", () => rules([{ decision: { ask: "ops" } }])],
    ["a slip", () => rules([{ decision: { ask: "/ops", withn: "1h" } as never }])],
    ["both", () => rules([{ decision: { ask: "/ops", deny: "no" } as never }])],
    ["a denial with a time", () => rules([{ decision: { deny: "no", within: "1h" } as never }])],
    [
      "nobody there",
      () => app({ root: supervisor("s", {}, []), policy: rules([], { ask: "/s/x" }) }),
    ],
  ])("%s is E_POLICY, before anything starts", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "E_POLICY" }));
  });
});

describe("a policy as a function", () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      "throws",
      () => {
        throw new Error("oops");
      },
      /the policy failed: oops/,
    ],
    [
      "throws what cannot be put into a text",
      () => {
        throw Symbol("odd");
      },
      /the policy failed: Symbol\(odd\)/,
    ],
    ["says nothing", () => undefined, /is no decision/],
    ["says yes", () => "yes", /is no decision/],
    ["is async", async () => "allow", /is no decision/],
    ["asks nobody", () => ({ ask: "ops" }), /is no decision/],
    ["asks until no time", () => ({ ask: "/desk/ops", within: "soon" }), /soon/],
  ])("that %s denies", (_, policy, why) => {
    expect(decide(policy as Policy, call("t"))).toEqual({ deny: expect.stringMatching(why) });
  });
});

/* ---- with actors ---- */

const pay = tool("pay", {
  input: z.object({ eur: z.number() }),
  output: z.string(),
  run: () => "",
});
const Agent = actor("agent", {
  state: z.array(z.string()),
  messages: { pay: z.number(), said: ask(z.object({}), z.array(z.string())) },
  init: () => [],
  on: {
    async pay(state, eur, ctx) {
      try {
        return [...state, await ctx.use(pay, { eur })];
      } catch (error) {
        return [...state, error instanceof ActorError ? `${error.code}: ${error.message}` : "?"];
      }
    },
    said: (state, _message, ctx) => ctx.reply(state),
  },
});
const agent = ref("/desk/agent", Agent);
const ops = ref("/desk/ops", Human);

const desk = (durable: boolean) =>
  app({
    store: memory(),
    root: supervisor("desk", { intensity: 20 }, [
      human("ops"),
      child("agent", Agent, { tools: [pay], durable }),
    ]),
    policy: rules([
      { input: { eur: { max: 100 } }, decision: "allow" },
      { input: { eur: { max: 1_000 } }, decision: { ask: "/desk/ops", within: "2d" } },
      { decision: { deny: "too much" } },
    ]),
  });

/** The real tree in virtual time, with a tool that counts. */
async function started(durable: boolean, delay: "1h" | 0 = 0) {
  const paid: number[] = [];
  const pays = fake(
    pay,
    ({ eur }) => {
      paid.push(eur);
      return `paid ${eur}`;
    },
    { delay },
  );
  const sim = await simulate(desk(durable), { seed: 3, tools: [pays] });
  return { sim, paid };
}

describe("actors under a policy", () => {
  test("allow runs, deny does not and says why to the model", async () => {
    const { sim, paid } = await started(false);
    await sim.tell(agent, "pay", 7);
    await sim.tell(agent, "pay", 5_000);
    await sim.advance("1s");
    expect(await sim.ask(agent, "said", {})).toEqual([
      "paid 7",
      "E_TOOL_DENIED: tool pay was denied: too much",
    ]);
    expect(paid).toEqual([7]);
    const decided = sim.events.flatMap((each) => (each.type === "decided" ? [each.decision] : []));
    expect(decided).toEqual(["allow", "deny"]);
  });

  test.each([true, false])(
    "a person answers after a day, and crashes on both sides: %j",
    async (allow) => {
      const { sim, paid } = await started(true);
      await sim.tell(agent, "pay", 500);
      await sim.advance("8h");
      await sim.kill("/desk/agent");
      await sim.advance("8h");
      await sim.kill("/desk/ops");
      await sim.advance("8h");
      const [open] = await sim.ask(ops, "list", {});
      expect(open).toMatchObject({ path: "/desk/agent", tool: "pay", input: '{"eur":500}' });
      expect(paid).toEqual([]);
      const said = { key: open?.key ?? "", allow, why: "as agreed", by: "ada" };
      expect(await sim.ask(ops, "answer", said)).toBe(true);
      expect(await sim.ask(ops, "answer", said)).toBe(false);
      await sim.advance("1m");
      const expected = allow ? "paid 500" : "E_TOOL_DENIED: tool pay was denied: ada: as agreed";
      expect(await sim.ask(agent, "said", {})).toEqual([expected]);
      expect(paid).toEqual(allow ? [500] : []);
    },
  );

  test("what was approved and begun is not run again after a crash: its agent is told", async () => {
    const { sim, paid } = await started(true, "1h");
    await sim.tell(agent, "pay", 500);
    await sim.advance("1m");
    const [open] = await sim.ask(ops, "list", {});
    const said = { key: open?.key ?? "", allow: true, why: "", by: "ada" };
    await sim.ask(ops, "answer", said);
    // The verdict has been heard, the call is under way.
    await sim.advance("1m");
    await sim.kill("/desk/agent");
    await sim.advance("2h");
    const [end] = await sim.ask(agent, "said", {});
    expect(end).toMatch(/^E_TOOL_UNKNOWN/);
    expect(paid).toHaveLength(1);
  });

  test("nobody answers in time: denied, and the question is withdrawn", async () => {
    const { sim, paid } = await started(true);
    await sim.tell(agent, "pay", 500);
    await sim.advance("3d");
    const [said] = await sim.ask(agent, "said", {});
    expect(said).toMatch(/nobody answered within 172800000 ms/);
    expect(await sim.ask(ops, "list", {})).toEqual([]);
    expect(paid).toEqual([]);
  });
});
