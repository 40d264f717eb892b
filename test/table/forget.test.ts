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

/** As it is told when partitions come and go. */
const adopts = (made: Machine, ...ids: string[]) => made.feed({ type: "adopt", ids });
const isElsewhere = (made: Machine, ...ids: string[]) => {
  made.here = (id) => !ids.includes(id);
  made.feed({ type: "oust" });
  made.here = () => true;
};

test("a child that is stopped by somebody is forgotten; one that runs elsewhere is not", () => {
  const made = machine();
  isElsewhere(made, "a");
  expect([made.kids, made.forgot]).toEqual(["", []]);
  adopts(made, "a");
  expect(made.kids).toBe("a:up");
  made.call({ op: "terminate_child", id: "a" });
  expect([made.kids, made.forgot]).toEqual(["", ["a"]]);
});

test("a start that comes too late, as the child runs elsewhere, takes nothing away", () => {
  const made = machine();
  made.outcomes.set("b", { ignore: true, elsewhere: true });
  adopts(made, "b");
  expect([made.kids, made.forgot]).toEqual(["a:up", []]);
  // Who waits for it here is told that it is not here.
  expect(made.did.at(-1)).toBe("nobody b");
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
  made.outcomes.set("b", outcome);
  adopts(made, "b");
  expect([made.kids, made.forgot]).toEqual([kids, []]);
  made.outcomes.set("b", outcome);
  made.call({ op: "start_child", id: "b", args: {} });
  expect([made.kids, made.forgot]).toEqual([kids, []]);
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
  adopts(made, "b");
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
  const stops = () =>
    made.feed({ type: "call", request: { op: "terminate_child", id: "a" }, from: NOBODY });
  const made = new Machine(
    supervisor("s", { intensity: 1 }, [child("a", Kept, { args: {} })]) as never,
  );
  stops();
  expect(made.kids).toBe("a:undefined");
  const takeOver = () =>
    made.feed({ type: "call", request: { op: "restart_child", id: "a" }, from: NOBODY });
  made.outcomes.set("a", { error: BROKEN });
  takeOver();
  expect([made.kids, made.ended]).toEqual(["a:up", null]);
  stops();
  // Who asks for it is told, and it is left alone.
  made.outcomes.set("a", { error: BROKEN });
  const failed = { error: "start_failed", reason: BROKEN };
  expect(made.call({ op: "restart_child", id: "a" })).toEqual(failed);
  expect(made.kids).toBe("a:undefined");
  made.outcomes.set("a", { error: BROKEN });
  takeOver();
  expect(made.ended).toEqual({ tag: "shutdown" });
});

const many = Array.from({ length: 250 }, (_, n) => `k${n}`);

test("those whom another node had come side by side, a hundred at a time, each once", () => {
  const made = machine();
  adopts(made, "a", ...many);
  const starts = made.did.filter((each) => each.startsWith("start "));
  expect(starts).toEqual(["a", ...many].map((id) => `start ${id}`));
  expect([made.most, made.state.children.size]).toEqual([100, 251]);
  // As any other child, with what is said of one.
  const said = made.reports.flatMap((each) => (each.kind === "progress" ? [each] : []));
  expect(said.map(({ child, cause }) => [child.id, cause])).toEqual(
    ["a", ...many].map((id) => [id, "call"]),
  );
  expect(made.call({ op: "terminate_child", id: "k7" })).toEqual({ ok: null });
  expect([made.forgot, made.state.work]).toEqual([["k7"], null]);
});

test("one of them that cannot start keeps nobody, and is tried again", () => {
  const made = machine();
  made.outcomes.set("k3", { error: BROKEN });
  adopts(made, ...many);
  expect([made.state.children.size, made.kids.includes("k3:up"), made.forgot]).toEqual([
    251,
    true,
    [],
  ]);
});

test("one of them that the store has not, or that ended by its own will, is gone", () => {
  const made = machine("transient");
  made.outcomes.set("b", { error: { tag: "no_actor", path: "/d/b" } });
  made.outcomes.set("c", { error: { tag: "killed", by: "operator" } });
  adopts(made, "b", "c");
  expect([made.kids, made.forgot]).toEqual(["a:up c:up", ["b"]]);
  // Killed when it had come: the store has nothing any more, and no second try finds it.
  made.outcomes.set("c", { error: { tag: "no_actor", path: "/d/c" } });
  made.exits("c", BROKEN);
  expect(made.kids).toBe("a:up");
});

test("those who run elsewhere now end side by side, in one time for all, and are not forgotten", () => {
  const made = machine();
  adopts(made, ...many);
  made.most = 0;
  made.stubborn.add("k1").add("k2");
  isElsewhere(made, ...many);
  expect([made.most, made.deadlineOf, made.kids.includes("k9:up")]).toEqual([248, 0, false]);
  // Whoever told it waits behind that.
  expect(made.call({ op: "rehome" })).toBe(null);
  made.did = [];
  made.feed({ type: "deadline", life: 0 });
  expect(made.did).toEqual(["kill k1", "kill k2"]);
  expect([made.kids, made.forgot, made.deadlineOf]).toEqual(["a:up", [], null]);
  expect(made.call({ op: "rehome" })).toEqual({ ok: null });
  // Who has ended by itself meanwhile is not restarted for that.
  adopts(made, "b");
  made.did = [];
  made.here = () => false;
  made.state.suspended = true;
  made.feed({ type: "oust" });
  made.exits("b", BROKEN);
  made.state.suspended = false;
  made.call({ op: "rehome" });
  expect([made.kids, made.forgot, made.did]).toEqual(["", [], ["stop a"]]);
});
