// Facts under way to the main thread: what comes out is what went in, in order, whatever is in it.
import { expect, test } from "vitest";
import { type ExitReason, fromThrown, NORMAL } from "../../../src/actor/exit.ts";
import type { Fact, KernelEvent } from "../../../src/kernel/events.ts";
import { FactsToSend, factsOf } from "../../../src/node/facts.ts";
import { seeded } from "../../../src/sim/random.ts";

const THREAD = 3;

/** As they come out on the other side of a port. */
function passed(facts: readonly Fact[]): KernelEvent[] {
  const waiting = new FactsToSend(THREAD);
  const firsts = facts.map((fact, at) => waiting.add(fact, at));
  expect(firsts).toEqual(facts.map((_, at) => at === 0));
  const under = waiting.take();
  expect(waiting.take()).toBeNull();
  return under === null ? [] : factsOf(structuredClone(under));
}

/** What they were, as a copy of the platform would be. */
const given = (facts: readonly Fact[]) =>
  facts.map((fact, atMs) => structuredClone({ atMs, thread: THREAD, ...fact }));

const REASONS: readonly ExitReason[] = [
  NORMAL,
  { tag: "error", name: "E", message: 'with "quotes"\n and \u2028' },
  fromThrown(new TypeError("lazy", { cause: new Error("inner") })),
  { tag: "linked", to: "/s/b", reason: { tag: "shutdown", detail: { deep: [1, null, "x"] } } },
];

function factOf(pick: (below: number) => number): Fact {
  const path = `/s/${pick(2)}`;
  const [life, incarnation] = [pick(1_000), pick(9)];
  const reason = REASONS[pick(REASONS.length)] as ExitReason;
  const facts: Fact[] = [
    { type: "started", path, life, incarnation, behaviour: "b" },
    { type: "exited", path, life, incarnation, reason },
    { type: "child_started", path, life, cause: "restart" },
    { type: "child_terminated", path, life, reason },
    { type: "start_error", path, reason },
    { type: "log", path, level: "info", message: "m", fields: { when: new Map([[1, 2n]]) } },
  ];
  return facts[pick(facts.length)] as Fact;
}

test("any facts in any order", () => {
  const random = seeded(7);
  for (let run = 0; run < 300; run++) {
    const pick = (below: number) => Math.floor(random() * below);
    const facts = Array.from({ length: pick(30) }, () => factOf(pick));
    expect(passed(facts)).toEqual(given(facts));
  }
});

test("nothing of one batch is left for the next", () => {
  const waiting = new FactsToSend(THREAD);
  const fact: Fact = { type: "child_terminated", path: "/s/a", life: 1, reason: NORMAL };
  for (let batch = 0; batch < 2; batch++) {
    waiting.add(fact, 5);
    const under = waiting.take();
    expect(under && factsOf(under)).toEqual([{ atMs: 5, thread: THREAD, ...fact }]);
  }
});

test("a detail that is no JSON arrives all the same", () => {
  const round: Record<string, unknown> = { n: 10n ** 20n };
  round.self = round;
  const reason = { tag: "shutdown", detail: round } as unknown as ExitReason;
  const facts: Fact[] = [
    { type: "exited", path: "/s/a", life: 1, incarnation: 1, reason },
    { type: "log", path: "", level: "warn", message: "m", fields: null },
  ];
  expect(passed(facts)).toEqual(given(facts));
});
