// What a store has of a dynamic child goes when its end was meant, and never because it runs elsewhere.

import { actor, child, dynamic, supervisor } from "coppice";
import { expect, test } from "vitest";
import { z } from "zod";
import type { ExitReason } from "../../src/actor/exit.ts";
import type { StartOutcome } from "../../src/kernel/supervision.ts";
import { Machine } from "./machine.ts";

const Kept = actor("kept", {
  args: z.object({}),
  state: z.null(),
  messages: {},
  init: () => null,
  on: {},
});
const NOBODY = null;
const FENCED: ExitReason = { tag: "fenced", token: 1 };
const AWAY: ExitReason = { tag: "bad_start", code: "E_STORE_LEASE", message: "away" };
const BROKEN: ExitReason = { tag: "error", name: "Error", message: "no" };

function machine(restart: "permanent" | "transient" | "temporary" = "permanent"): Machine {
  const spec = dynamic("d", { intensity: 3 }, Kept, { durable: true, restart });
  const made = new Machine(spec as never);
  made.call({ op: "start_child", id: "a", args: {} });
  expect([made.kids, made.forgot]).toEqual(["a:up", []]);
  return made;
}

/** As a supervisor asks itself, when partitions come and go. */
const asksItself = (made: Machine, op: "start_child" | "terminate_child", id: string) =>
  made.feed({ type: "call", request: { op, id, args: {} } as never, from: NOBODY });

test("a child that is stopped by somebody is forgotten; one that runs elsewhere is not", () => {
  const made = machine();
  asksItself(made, "terminate_child", "a");
  expect([made.kids, made.forgot]).toEqual(["", []]);
  asksItself(made, "start_child", "a");
  made.call({ op: "terminate_child", id: "a" });
  expect([made.kids, made.forgot]).toEqual(["", ["a"]]);
});

test("a start that comes too late, as the child runs elsewhere, takes nothing away", () => {
  const made = machine();
  made.outcomes.set("b", { ignore: true, elsewhere: true });
  asksItself(made, "start_child", "b");
  expect([made.kids, made.forgot]).toEqual(["a:up", []]);
  made.outcomes.set("b", { ignore: true });
  made.call({ op: "start_child", id: "b", args: {} });
  expect([made.kids, made.forgot]).toEqual(["a:up", ["b"]]);
});

test.each<[string, ExitReason, string]>([
  ["is refused by the store, as another node has the child", AWAY, "a:up"],
  ["is cut off by another node", FENCED, "a:up"],
])("a start that %s takes nothing away", (_, error, kids) => {
  const made = machine();
  const outcome: StartOutcome = { error };
  made.here = (id) => id !== "b";
  for (const from of [NOBODY, "caller"]) {
    made.outcomes.set("b", outcome);
    made.feed({ type: "call", request: { op: "start_child", id: "b", args: {} }, from });
    expect([made.kids, made.forgot]).toEqual([kids, []]);
  }
});

test("a tree starts although some of its children turn out to be another node's", () => {
  const stored = machine();
  const made = new Machine(
    supervisor("s", { intensity: 9 }, [
      child("x", Kept, { args: {} }),
      child("y", Kept, { args: {} }),
    ]),
  );
  expect(made.kids).toBe("x:up y:up");
  made.here = (id) => id !== "x";
  made.outcomes.set("x", { error: AWAY });
  made.exits("x", FENCED);
  expect([made.kids, made.ended, stored.forgot]).toEqual(["x:undefined y:up", null, []]);
  // It is this node's again before the refusal is heard: nobody else would start it.
  made.here = () => true;
  made.outcomes.set("y", { error: AWAY });
  made.exits("y", FENCED);
  expect(made.kids).toBe("x:undefined y:up");
});

test("a child that comes from another node and fails to start is tried again, as in a restart", () => {
  const made = machine();
  made.outcomes.set("b", { error: BROKEN });
  asksItself(made, "start_child", "b");
  expect([made.kids, made.forgot]).toEqual(["a:up b:up", []]);
  made.outcomes.set("c", { error: BROKEN });
  expect(made.call({ op: "start_child", id: "c", args: {} })).toMatchObject({
    error: "start_failed",
  });
  expect([made.kids, made.forgot]).toEqual(["a:up b:up", ["c"]]);
});

test.each(["transient", "temporary"] as const)(
  "a %s child that is cut off is not forgotten",
  (restart) => {
    const made = machine(restart);
    // (A temporary one is not started again.)
    if (restart === "transient") made.outcomes.set("a", { ignore: true, elsewhere: true });
    made.exits("a", FENCED);
    expect([made.kids, made.forgot]).toEqual(["", []]);
    made.call({ op: "start_child", id: "a", args: {} });
    made.exits("a", { tag: "normal" });
    expect([made.kids, made.forgot]).toEqual(["", ["a"]]);
  },
);

test("a static child that another node had is restarted until it starts, or the supervisor gives up", () => {
  const made = new Machine(
    supervisor("s", { intensity: 1 }, [child("a", Kept, { args: {} })]) as never,
  );
  asksItself(made, "terminate_child", "a");
  expect(made.kids).toBe("a:undefined");
  const takeOver = () =>
    made.feed({ type: "call", request: { op: "restart_child", id: "a" }, from: NOBODY });
  made.outcomes.set("a", { error: BROKEN });
  takeOver();
  expect([made.kids, made.ended]).toEqual(["a:up", null]);
  asksItself(made, "terminate_child", "a");
  // Who asks for it is told, and it is left alone.
  made.outcomes.set("a", { error: BROKEN });
  const failed = { error: "start_failed", reason: BROKEN };
  expect(made.call({ op: "restart_child", id: "a" })).toEqual(failed);
  expect(made.kids).toBe("a:undefined");
  made.outcomes.set("a", { error: BROKEN });
  takeOver();
  expect(made.ended).toEqual({ tag: "shutdown" });
});
