// Auto-shutdown: whose end ends the supervisor (supervisor_SUITE, significant).
import { expect, test } from "vitest";
import type { ExitReason } from "../../src/actor/exit.ts";
import { type AutoShutdown, supervisor } from "../../src/actor/spec.ts";
import { Bench, err, NORMAL, shut } from "./harness.ts";

const RULES = ["never", "any_significant", "all_significant"] as const;

test("SUP-058 transient children that are not significant never end the supervisor", async () => {
  for (const autoShutdown of RULES) {
    for (const reason of [NORMAL, shut(), shut("x")]) {
      const t = new Bench();
      await t.sup({ autoShutdown }, [
        t.w("c1", { restart: "transient" }),
        t.w("c2", { restart: "transient" }),
      ]);
      await t.die("c1", reason);
      expect(await t.kids()).toEqual(["c2:up", "c1:undefined"]);
      await t.die("c2", reason);
      expect(await t.kids()).toEqual(["c2:undefined", "c1:undefined"]);
      expect(t.n("c1")).toBe(1);
    }
    const t = new Bench();
    await t.sup({ autoShutdown }, [t.w("c1", { restart: "transient" })]);
    await t.die("c1");
    expect(t.n("c1")).toBe(2);
    expect(await t.kids()).toEqual(["c1:up"]);
  }
});

interface Case {
  rule: AutoShutdown;
  ends: [string, ExitReason][];
  /** Who is up afterwards, or that the supervisor has ended. */
  after: string[] | "shutdown";
  starts: [number, number];
}

/** Rule, ends of the significant c1 and c2, in order. */
const CASES: Case[] = [
  { rule: "any_significant", ends: [["c1", NORMAL]], after: "shutdown", starts: [1, 1] },
  { rule: "any_significant", ends: [["c2", shut("x")]], after: "shutdown", starts: [1, 1] },
  { rule: "any_significant", ends: [["c1", err()]], after: ["c2:up", "c1:up"], starts: [2, 1] },
  {
    rule: "all_significant",
    ends: [["c1", NORMAL]],
    after: ["c2:up", "c1:undefined"],
    starts: [1, 1],
  },
  {
    rule: "all_significant",
    ends: [
      ["c1", NORMAL],
      ["c2", err()],
    ],
    after: ["c2:up", "c1:undefined"],
    starts: [1, 2],
  },
  {
    rule: "all_significant",
    ends: [
      ["c1", NORMAL],
      ["c2", shut()],
    ],
    after: "shutdown",
    starts: [1, 1],
  },
];

test("SUP-060 clean ends of significant transient children end it, crashes do not", async () => {
  for (const { rule, ends, after, starts } of CASES) {
    const t = new Bench();
    const settings = { restart: "transient", significant: true } as const;
    await t.sup({ autoShutdown: rule }, [t.w("c1", settings), t.w("c2", settings)]);
    for (const [id, reason] of ends) await t.die(id, reason);
    expect([t.n("c1"), t.n("c2")]).toEqual(starts);
    if (after !== "shutdown") expect(await t.kids()).toEqual(after);
    expect(t.down("s")).toBe(after === "shutdown" ? "shutdown" : null);
    expect(t.alive("c2")).toBe(after !== "shutdown");
  }
});

test("SUP-060 a crash of a significant temporary child ends it as well", async () => {
  const t = new Bench();
  const settings = { restart: "temporary", significant: true } as const;
  await t.sup({ autoShutdown: "any_significant" }, [t.w("c1", settings), t.w("c2", settings)]);
  await t.die("c1");
  expect(t.down("s")).toBe("shutdown");
  expect(t.down("c2")).toBe("shutdown");
});

test("SUP-063 the auto-shutdown of a significant sub-supervisor goes on to its parent", async () => {
  for (const significant of [true, false]) {
    const t = new Bench();
    const auto = { autoShutdown: "any_significant" } as const;
    const c = t.w("c", { restart: "transient", significant: true });
    const b = supervisor("b", { ...auto, restart: "transient", significant }, [c]);
    const a = supervisor("a", { ...auto, restart: "transient" }, [b, t.w("other")]);
    await t.sup({}, [a]);
    await t.die("a/b/c", NORMAL);
    expect(t.down("a/b")).toBe("shutdown");
    expect(t.n("a/b/c")).toBe(1);
    if (significant) {
      expect(t.down("a")).toBe("shutdown");
      expect(t.down("a/other")).toBe("shutdown");
      expect(await t.kids()).toEqual(["a:undefined"]);
    } else {
      expect(t.down("a")).toBe(null);
      expect(await t.kids("a")).toEqual(["other:up", "b:undefined"]);
    }
  }
});
