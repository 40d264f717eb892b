// What an end of a child leads to: every strategy × restart type × reason × position × state of
// the window, against tables written down from SEMANTICS 5 to 7 and 11.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../src/actor/actor.ts";
import type { ExitReason } from "../../src/actor/exit.ts";
import {
  type AutoShutdown,
  child,
  dynamic,
  type Restart,
  type Strategy,
  supervisor,
} from "../../src/actor/spec.ts";
import { Machine } from "./machine.ts";

const Work = actor("work", { state: z.null(), messages: {}, init: () => null, on: {} });

type Verdict = "restart" | "keep" | "remove";

const linked = (reason: ExitReason): ExitReason => ({ tag: "linked", to: "/x", reason });
const error: ExitReason = { tag: "error", name: "E", message: "m" };

/** SEMANTICS 5: reason → clean? → what becomes of a permanent, transient, temporary child. */
const ENDS: [ExitReason, boolean, Verdict, Verdict, Verdict][] = [
  [{ tag: "normal" }, true, "restart", "keep", "remove"],
  [{ tag: "shutdown" }, true, "restart", "keep", "remove"],
  [{ tag: "shutdown", detail: "x" }, true, "restart", "keep", "remove"],
  [linked({ tag: "shutdown" }), true, "restart", "keep", "remove"],
  [{ tag: "killed", by: "operator" }, false, "restart", "restart", "remove"],
  [error, false, "restart", "restart", "remove"],
  [linked(error), false, "restart", "restart", "remove"],
  [{ tag: "thread_lost", thread: 1 }, false, "restart", "restart", "remove"],
  [{ tag: "aborted", sliceMs: 100 }, false, "restart", "restart", "remove"],
];
const TYPES = ["permanent", "transient", "temporary"] as const;

/** SEMANTICS 7: intensity, earlier restarts, now, all in ms; period 2 s; permitted or not. */
const WINDOWS: ["ms" | "seconds", number, number[], number, boolean][] = [
  ["ms", 0, [], 5_000, false],
  ["ms", 1, [], 5_000, true],
  ["ms", 1, [5_000], 5_000, false],
  ["ms", 1, [3_000], 5_000, false],
  ["ms", 1, [2_999], 5_000, true],
  ["ms", 3, [2_000, 3_000, 4_000], 5_000, true],
  ["ms", 3, [3_000, 3_000, 4_000], 5_000, false],
  ["seconds", 1, [3_999], 5_000, false],
  ["seconds", 1, [2_999], 5_000, true],
  ["seconds", 1, [3_000], 5_999, false],
];

/**
 * SEMANTICS 6: children a (permanent), b (temporary), c (transient, stopped by hand), d (permanent),
 * e (transient) – but the one that ends is of the type in question and was up. Strategy → the one
 * that ends → [stopped, started], in the order of doing.
 */
const GROUPS: Record<Strategy, Record<string, [string, string]>> = {
  one_for_one: { a: ["", "a"], b: ["", "b"], c: ["", "c"], d: ["", "d"], e: ["", "e"] },
  one_for_all: {
    a: ["edb", "acde"],
    b: ["eda", "abcde"],
    c: ["edba", "acde"],
    d: ["eba", "acde"],
    e: ["dba", "acde"],
  },
  rest_for_one: {
    a: ["edb", "acde"],
    b: ["ed", "bcde"],
    c: ["ed", "cde"],
    d: ["e", "de"],
    e: ["", "e"],
  },
};

/** Whoever ends → who is stopped when that is one restart too many. */
const LAST: Record<string, string> = { a: "edb", b: "eda", c: "edba", d: "eba", e: "dba" };

/** Who is there after a permitted restart, in start order; c is up only where it was started. */
const AFTER: Record<Strategy, Record<string, string>> = {
  one_for_one: { a: "ab-de", b: "ab-de", c: "abcde", d: "ab-de", e: "ab-de" },
  one_for_all: { a: "acde", b: "abcde", c: "acde", d: "acde", e: "acde" },
  rest_for_one: { a: "acde", b: "abcde", c: "abcde", d: "ab-de", e: "ab-de" },
};

const OWN: Record<string, Restart> = {
  a: "permanent",
  b: "temporary",
  c: "transient",
  d: "permanent",
  e: "transient",
};

function fiveChildren(
  strategy: Strategy,
  culprit: string,
  type: Restart,
  window: (typeof WINDOWS)[0],
) {
  const [unit, intensity, earlier, now] = window;
  const children = Object.entries(OWN).map(([id, restart]) =>
    child(id, Work, { restart: id === culprit ? type : restart }),
  );
  const machine = new Machine(
    supervisor("s", { strategy, intensity, period: 2_000 }, children),
    unit,
  );
  if (culprit !== "c") machine.call({ op: "terminate_child", id: "c" });
  const scale = unit === "seconds" ? 1_000 : 1;
  for (const ms of earlier) machine.state.restarts.add(Math.trunc(ms / scale), 0);
  machine.now = now;
  machine.did = [];
  machine.reports = [];
  return machine;
}

const commands = (word: string, ids: string) => [...ids].map((id) => `${word} ${id}`);
const up = (ids: string, stopped: string) =>
  [...ids].map((id) => `${id}:${stopped.includes(id) ? "undefined" : "up"}`).join(" ");

/** What the tables say. */
function expected(strategy: Strategy, culprit: string, verdict: Verdict, permitted: boolean) {
  const own = culprit === "c" ? "" : "c";
  if (verdict === "remove") {
    return { did: [], kids: up("abcde".replace(culprit, ""), own), ended: null };
  }
  if (verdict === "keep") return { did: [], kids: up("abcde", own + culprit), ended: null };
  if (!permitted) {
    return { did: commands("stop", LAST[culprit] as string), ended: { tag: "shutdown" } };
  }
  const [stop, start] = GROUPS[strategy][culprit] as [string, string];
  const after = AFTER[strategy][culprit] as string;
  const kids = up(after.replace("-", "c"), after.includes("-") ? "c" : "");
  return { did: [...commands("stop", stop), ...commands("start", start)], kids, ended: null };
}

for (const strategy of Object.keys(GROUPS) as Strategy[]) {
  test(`${strategy}: who is stopped and started, in which order, and who is left`, () => {
    let combinations = 0;
    for (const culprit of Object.keys(OWN)) {
      for (const [reason, clean, ...verdicts] of ENDS) {
        for (const [at, type] of TYPES.entries()) {
          for (const window of WINDOWS) {
            const machine = fiveChildren(strategy, culprit, type, window);
            machine.exits(culprit, reason);
            const verdict = verdicts[at] as Verdict;
            const { did, kids, ended } = machine;
            const label = `${culprit} ${type} ${JSON.stringify(reason)} ${window.join(" ")}`;
            const right = expected(strategy, culprit, verdict, window[4]);
            expect({ did, ended, ...(ended ? {} : { kids }) }, label).toEqual(right);
            const told = machine.reports.some(({ kind }) => kind === "child_terminated");
            expect(told, label).toBe(verdict === "restart" || (type === "temporary" && !clean));
            const over = machine.reports.some(({ kind }) => kind === "restart_intensity");
            expect(over, label).toBe(verdict === "restart" && !window[4]);
            combinations++;
          }
        }
      }
    }
    expect(combinations).toBe(5 * 9 * 3 * 10);
  });
}

test("dynamic: only the one that ended is restarted, or it is dropped", () => {
  for (const [reason, , ...verdicts] of ENDS) {
    for (const [at, restart] of TYPES.entries()) {
      for (const [unit, intensity, earlier, now, permitted] of WINDOWS) {
        const flags = { intensity, period: 2_000 };
        const machine = new Machine(dynamic("s", flags, Work, { restart }), unit);
        for (const id of ["x", "y", "z"]) machine.call({ op: "start_child", id });
        const scale = unit === "seconds" ? 1_000 : 1;
        for (const ms of earlier) machine.state.restarts.add(Math.trunc(ms / scale), 0);
        machine.now = now;
        machine.did = [];
        machine.exits("y", reason);
        const label = `${restart} ${JSON.stringify(reason)} ${intensity} ${earlier}`;
        const { did, kids, ended } = machine;
        if (verdicts[at] !== "restart") {
          expect([did, kids, ended], label).toEqual([[], "x:up z:up", null]);
        } else if (permitted) {
          expect([did, kids, ended], label).toEqual([["start y"], "x:up y:up z:up", null]);
        } else {
          expect([did.toSorted(), ended], label).toEqual([
            ["stop x", "stop z"],
            { tag: "shutdown" },
          ]);
        }
      }
    }
  }
});

/** SEMANTICS 11: what the other significant child is → does the end of a significant one end s? */
const OTHERS: [string, Record<AutoShutdown, boolean>][] = [
  ["none", { never: false, any_significant: true, all_significant: true }],
  ["undefined", { never: false, any_significant: true, all_significant: true }],
  ["up", { never: false, any_significant: true, all_significant: false }],
  ["restarting", { never: false, any_significant: true, all_significant: false }],
  ["dead, its exit queued", { never: false, any_significant: true, all_significant: false }],
];

test("auto-shutdown: rule × restart type × reason × significance × the other one's state", () => {
  let combinations = 0;
  for (const [other, byRule] of OTHERS) {
    for (const autoShutdown of ["never", "any_significant", "all_significant"] as const) {
      for (const restart of ["transient", "temporary"] as const) {
        for (const [reason, , , transient] of ENDS) {
          for (const significant of autoShutdown === "never" ? [false] : [true, false]) {
            const specs = [child("a", Work, { restart, significant }), child("c", Work, {})];
            const settings = {
              restart: "transient",
              significant: autoShutdown !== "never",
            } as const;
            if (other !== "none") specs.push(child("b", Work, settings));
            const machine = new Machine(supervisor("s", { autoShutdown }, specs));
            const b = machine.state.children.get("b");
            if (other === "undefined") machine.call({ op: "terminate_child", id: "b" });
            if (b && other === "restarting") b.status = "restarting";
            if (b && other.startsWith("dead")) b.status = "dead";
            machine.exits("a", reason);
            const restarted = restart === "transient" && transient === "restart";
            const ends = significant && !restarted && byRule[autoShutdown];
            const label = `${other} ${autoShutdown} ${restart} ${JSON.stringify(reason)}`;
            expect(machine.ended, label).toEqual(ends ? { tag: "shutdown" } : null);
            combinations++;
          }
        }
      }
    }
  }
  expect(combinations).toBe(5 * 2 * 9 * (1 + 2 + 2));
});
