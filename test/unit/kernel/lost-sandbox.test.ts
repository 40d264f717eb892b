// A sandbox is linked to the actor whose call it serves: when it is gone, that actor gets an exit.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { NO_USAGE } from "../../../src/actor/outcome.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { tool } from "../../../src/actor/tool.ts";
import { sandbox } from "../../../src/actor/walls.ts";
import type { ToolEnd } from "../../../src/kernel/tools.ts";
import { Bench } from "../../conformance/harness.ts";
import { outcome } from "../../conformance/server-harness.ts";

const shell = tool("shell", {
  ...{ input: z.unknown(), output: z.string(), run: "sh" },
  sandbox: sandbox("process"),
});
const definition = {
  state: z.array(z.string()),
  messages: { go: z.object({}) },
  init: () => [],
};
const go = async (
  state: string[],
  _message: object,
  ctx: { use: (t: never, i: null) => unknown },
) => {
  const said = await outcome(ctx.use(shell as never, null) as Promise<unknown>);
  return [...state, String(said).split(":")[0] as string];
};
const Plain = actor("plain", { ...definition, on: { go } });
const Trapping = actor("trapping", {
  ...definition,
  on: { go },
  exit: (state, { path, reason }) => [...state, `${path} ${reason.tag}`],
});

const ends = {
  gone: { tag: "unknown", why: "the machine ended (SIGKILL)", tier: "microvm-tcg" },
  destroyed: { tag: "hostile", why: "a frame of -1 bytes", tier: "microvm-tcg" },
  before: { tag: "unknown", why: "an earlier life made it", tier: null },
  timeout: { tag: "timeout", limitMs: 5, tier: "process" },
  limit: { tag: "killed", limit: "memory", why: "", tier: "process" },
  failed: { tag: "failed", code: null, why: "ended by SIGKILL", tier: "process" },
} as const;

async function started(first: keyof typeof ends, durable = false) {
  const calls: boolean[] = [];
  const call = async ({ again }: { again: boolean }): Promise<ToolEnd> => {
    calls.push(again);
    const end = again ? { ...ends.before } : { ...ends[first] };
    return { ...end, usage: NO_USAGE } as ToolEnd;
  };
  const t = new Bench({ tools: { call } });
  const grants = { tools: [shell], durable };
  const children = [child("a", Plain, grants), child("trap", Trapping, grants)];
  expect(await t.start(supervisor("s", { intensity: 9 }, children))).toBe("ok");
  return { t, calls };
}

test.each(["gone", "destroyed"] as const)("a sandbox that is %s ends its owner", async (how) => {
  const { t } = await started(how);
  await t.tell("a", "go", {});
  const why = `the microvm-tcg sandbox of tool shell is gone: ${ends[how].why}`;
  expect(t.log.filter((each) => each.startsWith("exit"))).toEqual([
    `exit a linked to /s/a/sandbox:shell: error SandboxLost: ${why}`,
  ]);
  // Its supervisor has started it again.
  expect(await t.state("a")).toEqual([]);
});

test("who traps exits hears of it once, and of the call's end", async () => {
  const { t } = await started("gone");
  await t.tell("trap", "go", {});
  expect(await t.state("trap")).toEqual(["E_TOOL_UNKNOWN", "/s/trap/sandbox:shell error"]);
  expect(t.log).not.toContain("exit trap");
});

test.each(["timeout", "limit", "failed", "before"] as const)(
  "%s is no lost sandbox",
  async (how) => {
    const { t } = await started(how);
    await t.tell("a", "go", {});
    expect(await t.state("a")).toHaveLength(1);
    expect(t.log.filter((each) => each.startsWith("exit"))).toEqual([]);
  },
);

test("a durable owner handles the message again, and is told that the call may have happened", async () => {
  const { t, calls } = await started("gone", true);
  await t.tell("a", "go", {});
  expect(await t.state("a")).toEqual(["E_TOOL_UNKNOWN"]);
  expect(calls).toEqual([false, true]);
});
