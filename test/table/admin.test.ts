// The administrative calls: call × state of the child, from the table of SEMANTICS 12 and 10.6.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../src/actor/actor.ts";
import { child, dynamic, supervisor } from "../../src/actor/spec.ts";
import type { AdminRequest } from "../../src/kernel/supervision.ts";
import { Machine } from "./machine.ts";

const Work = actor("work", { state: z.null(), messages: {}, init: () => null, on: {} });
const STATES = ["up", "undefined", "restarting", "unknown"] as const;
type State = (typeof STATES)[number];
type Row = Record<State, { answer: string; kids: string }>;

const same = (answer: string): Row => ({
  up: { answer, kids: "a:up b:up c:up" },
  undefined: { answer, kids: "a:up b:undefined c:up" },
  restarting: { answer, kids: "a:up b:restarting c:up" },
  unknown: { answer, kids: "a:up c:up" },
});

/** Call of child b → its state → answer, and the children afterwards. */
const STATIC: Record<string, Row> = {
  start_child: {
    up: { answer: "already_started", kids: "a:up b:up c:up" },
    undefined: { answer: "already_present", kids: "a:up b:undefined c:up" },
    restarting: { answer: "already_present", kids: "a:up b:restarting c:up" },
    unknown: { answer: "ok b", kids: "a:up c:up b:up" },
  },
  restart_child: {
    up: { answer: "running", kids: "a:up b:up c:up" },
    undefined: { answer: "ok b", kids: "a:up b:up c:up" },
    restarting: { answer: "restarting", kids: "a:up b:restarting c:up" },
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
  terminate_child: {
    up: { answer: "ok null", kids: "a:up b:undefined c:up" },
    undefined: { answer: "ok null", kids: "a:up b:undefined c:up" },
    restarting: { answer: "ok null", kids: "a:up b:undefined c:up" },
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
  delete_child: {
    up: { answer: "running", kids: "a:up b:up c:up" },
    undefined: { answer: "ok null", kids: "a:up c:up" },
    restarting: { answer: "restarting", kids: "a:up b:restarting c:up" },
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
  get_childspec: {
    ...same("ok b"),
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
  which_child: {
    ...same("ok b"),
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
};

/** Of a dynamic supervisor, where "undefined" does not exist. */
const DYNAMIC: Record<string, Omit<Row, "undefined">> = {
  start_child: {
    up: { answer: "already_started", kids: "a:up b:up c:up" },
    restarting: { answer: "already_started", kids: "a:up b:restarting c:up" },
    unknown: { answer: "ok b", kids: "a:up c:up b:up" },
  },
  restart_child: same("dynamic"),
  delete_child: same("dynamic"),
  terminate_child: {
    up: { answer: "ok null", kids: "a:up c:up" },
    restarting: { answer: "ok null", kids: "a:up c:up" },
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
  get_childspec: {
    ...same("ok child"),
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
  which_child: {
    ...same("ok b"),
    unknown: { answer: "not_found", kids: "a:up c:up" },
  },
};

function check(machine: Machine, state: State, request: AdminRequest, wanted: Row[State]) {
  const b = machine.state.children.get("b");
  if (b !== undefined && state !== "up") {
    machine.state.lives.delete(b.life);
    b.life = 0;
    if (state === "unknown") machine.state.children.delete("b");
    else b.status = state;
  }
  const result = machine.call(request);
  const label = `${request.op} of a child that is ${state}`;
  const answer = result && "ok" in result ? (result.ok as { id?: string } | string | null) : null;
  const text = typeof answer === "object" ? (answer?.id ?? null) : answer;
  expect(result && "error" in result ? result.error : `ok ${text}`, label).toBe(wanted.answer);
  expect(machine.kids, label).toBe(wanted.kids);
  expect([...machine.state.restarts], label).toEqual([]);
  expect(machine.ended, label).toBe(null);
}

test("of a static supervisor: each call in each state", () => {
  const spec = child("b", Work);
  for (const [op, row] of Object.entries(STATIC)) {
    for (const state of STATES) {
      const specs = [child("a", Work), spec, child("c", Work)];
      const machine = new Machine(supervisor("s", { intensity: 0 }, specs));
      const request = (op === "start_child" ? { op, spec } : { op, id: "b" }) as AdminRequest;
      check(machine, state, request, row[state]);
    }
  }
});

test("of a dynamic supervisor: each call in each state", () => {
  for (const [op, row] of Object.entries(DYNAMIC)) {
    for (const state of ["up", "restarting", "unknown"] as const) {
      const machine = new Machine(dynamic("s", { intensity: 0 }, Work));
      for (const id of ["a", "b", "c"]) machine.call({ op: "start_child", id });
      check(machine, state, { op, id: "b" } as AdminRequest, row[state]);
    }
  }
});

/** How a start by hand goes → restart type → [answer, is the spec kept]. */
const STARTS: [Parameters<Machine["outcomes"]["set"]>[1], string, Record<string, boolean>][] = [
  [{ ok: true }, "ok", { permanent: true, transient: true, temporary: true }],
  [{ ignore: true }, "ok", { permanent: true, transient: true, temporary: false }],
  [
    { error: { tag: "error", name: "E", message: "m" } },
    "start_failed",
    { permanent: false, transient: false, temporary: false },
  ],
];

test("starting by hand: outcome × restart type, static and dynamic", () => {
  for (const [outcome, answer, kept] of STARTS) {
    for (const restart of ["permanent", "transient", "temporary"] as const) {
      const fixed = new Machine(supervisor("s", {}, []));
      fixed.outcomes.set("b", outcome);
      const result = fixed.call({ op: "start_child", spec: child("b", Work, { restart }) });
      expect(
        Object.keys(result ?? {})[0] === "ok" ? "ok" : (result as { error: string }).error,
      ).toBe(answer);
      expect(fixed.state.children.has("b")).toBe(kept[restart]);

      const some = new Machine(dynamic("s", {}, Work, { restart }));
      some.outcomes.set("b", outcome);
      some.call({ op: "start_child", id: "b" });
      expect(some.state.children.has("b")).toBe("ok" in outcome);
      expect(some.state.lives.size).toBe("ok" in outcome ? 1 : 0);
    }
  }
});
