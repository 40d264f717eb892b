// A durable child that is gone for good: who ended it is told when the store has forgotten it, and
// who still waits for an answer from its mailbox is told that there is nobody.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import type { Answer } from "../../../src/kernel/ports.ts";
import type { AdminRequest } from "../../../src/kernel/supervision.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import { Bench } from "../../conformance/harness.ts";

const Diary = actor("diary", {
  args: z.unknown(),
  state: z.null(),
  messages: { wait: z.null(), read: ask(z.null(), z.string()) },
  init: () => null,
  on: { wait: () => new Promise<void>(() => {}), read: (_state, _null, ctx) => ctx.reply("") },
});

const trees = {
  dynamic: dynamic("s", {}, Diary, { durable: true }),
  "dynamic, asleep": dynamic("s", {}, Diary, { durable: true, hibernateAfter: 1_000 }),
  "beside its child": supervisor("s", {}, [
    dynamic("d", {}, Diary, { durable: true, placement: "with-parent" }),
  ]),
  static: supervisor("s", {}, [child("a", Diary, { durable: true })]),
  temporary: supervisor("s", {}, [child("a", Diary, { durable: true, restart: "temporary" })]),
};

const ENDS: Record<keyof typeof trees, AdminRequest[]> = {
  dynamic: [{ op: "terminate_child", id: "a" }],
  "dynamic, asleep": [{ op: "terminate_child", id: "a" }],
  "beside its child": [{ op: "terminate_child", id: "a" }],
  static: [
    { op: "terminate_child", id: "a" },
    { op: "delete_child", id: "a" },
  ],
  temporary: [{ op: "terminate_child", id: "a" }],
};

for (const [name, tree] of Object.entries(trees)) {
  test(`whoever ends a child for good is answered when the store has forgotten it: ${name}`, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const engine = new MemoryEngine();
      const t = new Bench({ threads: 2, seed, engine });
      await t.start(tree);
      const above = name === "beside its child" ? "/s/d" : "/s";
      if (tree.children[0]?.kind !== "actor") {
        await t.admin({ op: "start_child", id: "a", args: null }, above);
      }
      expect(engine.paths()).toEqual([`${above}/a`]);
      if (name === "dynamic, asleep") await t.advance(5_000);
      for (const request of ENDS[name as keyof typeof trees]) {
        const last = request === ENDS[name as keyof typeof trees].at(-1);
        const call = t.post(request, above);
        while (call.result === null && t.world.step()) {
          if (t.world.takeLoose()) await t.world.drain();
        }
        expect([seed, call.result]).toEqual([seed, { ok: null }]);
        if (last) expect([seed, engine.paths()]).toEqual([seed, []]);
        await t.settle();
      }
    }
  });
}

test("the answer comes also when the child's thread is lost before the store has forgotten", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const engine = new MemoryEngine();
    const t = new Bench({ threads: 2, seed, engine });
    await t.start(trees.dynamic);
    await t.admin({ op: "start_child", id: "a", args: null });
    const calls = [t.post({ op: "terminate_child", id: "a" })];
    calls.push(t.post({ op: "start_child", id: "a", args: null }));
    calls.push(t.post({ op: "terminate_child", id: "a" }));
    await t.steps(seed % 40);
    t.world.loseThread(t.world.threadOf("/s/a"));
    await t.settle();
    expect([seed, ...calls.map(({ result }) => result)]).not.toContain(null);
    if ("ok" in (calls[2]?.result ?? {})) expect([seed, engine.paths()]).toEqual([seed, []]);
  }
});

test("asks in a mailbox that is forgotten end with exited", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const t = new Bench({ threads: 2, seed });
    await t.start(trees.dynamic);
    await t.admin({ op: "start_child", id: "a", args: null });
    await t.tell("a", "wait", null);
    const answers: Answer[] = [];
    const { control } = t.world;
    for (let i = 0; i < 2; i++) control.request("/s/a", "read", null, 1e9, (a) => answers.push(a));
    await t.steps(seed % 20);
    await t.admin({ op: "terminate_child", id: "a" });
    const codes = answers.map((each) => (each.ok ? "ok" : each.code));
    expect([seed, ...codes]).toEqual([seed, "exited", "exited"]);
  }
});
