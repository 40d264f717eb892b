// A ref remembers whom it has reached: that must not outlive the actor, nor leave its kernel.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ref } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { Bench } from "../../conformance/harness.ts";

const Counter = actor("counter", {
  state: z.number(),
  messages: { count: z.null() },
  init: () => 0,
  on: { count: (n) => n + 1 },
});
const counter = ref("/s/counter", Counter);

const Sender = actor("sender", {
  state: z.null(),
  messages: { send: z.null() },
  init: () => null,
  on: { send: (_state, _null, ctx) => void ctx.tell(counter, "count", null) },
});

async function begin(): Promise<Bench> {
  const t = new Bench();
  const specs = [child("counter", Counter), child("sender", Sender)];
  expect(await t.start(supervisor("s", { intensity: 5 }, specs))).toBe("ok");
  return t;
}

test("it reaches the next incarnation, not the one it has met", async () => {
  const t = await begin();
  await t.tell("sender", "send", null);
  expect(await t.state("counter")).toBe(1);
  t.world.send({ kind: "kill", to: "/s/counter", life: 0, by: "operator" });
  await t.settle();
  await t.tell("sender", "send", null);
  expect(await t.state("counter")).toBe(1);
});

test("it reaches the actor of the sender's own kernel", async () => {
  const [one, other] = [await begin(), await begin()];
  await one.tell("sender", "send", null);
  await other.tell("sender", "send", null);
  expect([await one.state("counter"), await other.state("counter")]).toEqual([1, 1]);
});
