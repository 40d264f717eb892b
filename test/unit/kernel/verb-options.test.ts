// What a handler, or who stands outside, writes behind a verb is checked as specs are: a name that does
// not exist would be left out silently.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor, type Context, formatReason, probe, tool } from "../../../src/index.ts";

const open = z.any();
const echo = tool("echo", { input: open, output: open, run: (input) => input });

/** The verbs as somebody uses them whose types nobody checks. */
type Untyped = Record<keyof Context, (...args: unknown[]) => Promise<unknown>>;

const acts: Record<string, (ctx: Untyped) => unknown> = {
  "after: a name": (ctx) => ctx.after("1s", "act", "", { named: "x" }),
  "after: when": (ctx) => ctx.after("1s", "act", "", { when: "later" }),
  "after: an interval's name": (ctx) => ctx.after({ every: "1s", miss: "all" }, "act", ""),
  "after: a cron's name": (ctx) => ctx.after({ cron: "* * * * *", timezone: "UTC" }, "act", ""),
  "after: zone of an interval": (ctx) => ctx.after({ every: "1s", zone: "UTC" }, "act", ""),
  "step: a name": (ctx) => ctx.step("s", () => 1, { retry: 1 }),
  "step: retries": (ctx) => ctx.step("s", () => 1, { retries: "3" }),
  "use: a name": (ctx) => ctx.use(echo, 1, { out: 1 }),
  "use: no tool": (ctx) => ctx.use("echo", 1),
};

const Actor = actor("acts", {
  state: z.null(),
  messages: { act: z.string() },
  init: () => null,
  on: {
    act: async (_state, name, ctx) => {
      await acts[name]?.(ctx as unknown as Untyped);
    },
  },
});

describe("what is refused ends the handler that wrote it", () => {
  test.each<[string, RegExp]>([
    ["after: a name", /there is no setting "named"/],
    ["after: when", /when: "later" is not one of its words/],
    ["after: an interval's name", /there is no setting "miss"/],
    ["after: a cron's name", /there is no setting "timezone"/],
    ["after: zone of an interval", /there is no setting "zone"/],
    ["step: a name", /there is no setting "retry"/],
    ["step: retries", /retries: "3" is outside its limits/],
    ["use: a name", /there is no setting "out"/],
    ["use: no tool", /"echo" is no tool/],
  ])("%s", async (name, expected) => {
    const { exit } = await probe(Actor).with(echo, 1).tell("act", name);
    expect(exit && formatReason(exit)).toMatch(expected);
  });

  test("what is none of that is not", async () => {
    acts.fine = async (ctx) => {
      ctx.after("1s", "act", "", { when: "delay", id: "x" });
      ctx.after({ every: "1s", missed: "all" }, "act", "", { id: "y" });
      ctx.after({ cron: "* * * * *", zone: "UTC", missed: "skip" }, "act", "");
      await ctx.step("s", () => 1, { retries: 1, timeout: "1s" });
      await ctx.use(echo, 1, { output: { to: { path: "/a" }, type: "piece" } });
    };
    const { exit } = await probe(Actor).with(echo, 1).tell("act", "fine");
    expect(exit).toBe(null);
  });
});
