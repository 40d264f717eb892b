/** Tools in the pool: whatever one call does, it is that call's failure and nobody else's. */
import { ActorError, pool, ref, type System, start } from "coppice";
import { afterEach, describe, expect, test } from "vitest";
import { Caller as Lonely } from "./fixtures/no-pool.ts";
import { Caller, type Ended, type tools } from "./fixtures/pool.ts";

const fixture = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url);
const a = ref("/desk/a", Caller);
const b = ref("/desk/b", Caller);

let system: System | null = null;

async function boot(threads = 2, name = "pool"): Promise<System> {
  system = await start(fixture(name), { threads, log: "silent", inspect: false });
  return system;
}

afterEach(async () => {
  await system?.stop();
  system = null;
});

type Name = keyof typeof tools;

async function useMany(name: Name, input: unknown, times: number, who = a): Promise<Ended[]> {
  const message = { tool: name, input, times };
  return (await system?.ask(who, "use", message, { timeout: "19s" })) as Ended[];
}

async function use(name: Name, input: unknown = null, who = a): Promise<Ended> {
  return (await useMany(name, input, 1, who))[0] as Ended;
}

describe("a call in the pool", () => {
  test("runs beside the actors, on a checked input, and its output is checked", async () => {
    await boot();
    expect(await use("double", { n: 21 })).toEqual({ ok: 42 });
    expect((await use("double", { n: "21" })).code).toBe("E_MESSAGE_SCHEMA");
    expect((await use("double", { n: 501 })).message).toMatch(/^output of tool double/);
    const odd = { when: new Date(7), map: new Map([[1n, new Uint8Array([1, 2])]]) };
    expect(await use("echo", odd)).toEqual({ ok: odd });
  });

  test("holds up no actor while it computes", async () => {
    const node = await boot(1);
    node.tell(a, "start", { tool: "forever" });
    expect(await node.ask(b, "ping", {})).toBe("pong");
  });

  test.each<[Name, string]>([
    ["hang", "timeout"],
    ["hangLater", "timeout"],
    ["bomb", "E_TOOL_LOST"],
    ["quit", "E_TOOL_LOST"],
    ["detached", "E_TOOL_LOST"],
    ["boom", "exited"],
  ])("%s fails with %s, and the next call succeeds", async (name, code) => {
    await boot(1);
    const end = await use(name);
    expect(end.code).toBe(code);
    if (name === "bomb") expect(end.message).toMatch(/out of memory \(32 MiB\)/);
    if (name === "detached") expect(end.message).toMatch(/nobody caught it/);
    if (name === "boom")
      expect(end.reason).toMatchObject({ name: "RangeError", message: "too far" });
    expect(await use("double", { n: 4 })).toEqual({ ok: 8 });
  });

  test("neighbours lose nothing when one thread is ended", async () => {
    await boot(2);
    const [ends, bad] = await Promise.all([useMany("slow", 20, 30), useMany("quit", null, 5, b)]);
    expect(ends).toEqual(ends.map(() => ({ ok: "done" })));
    expect(bad.map((each) => each.code)).toEqual(bad.map(() => "E_TOOL_LOST"));
  });

  test("what a call leaves open does not reach the next one", async () => {
    await boot(1);
    const first = await use("thread");
    expect(await use("thread")).toEqual(first);
    expect(await use("litter")).toEqual({ ok: "answered" });
    expect(await use("slow", 100)).toEqual({ ok: "done" });
    expect(await use("thread")).not.toEqual(first);
  });
});

describe("many calls", () => {
  test("100 at once, on two threads", async () => {
    await boot(2);
    const ends = await useMany("thread", null, 100);
    const threads = new Set(ends.map((each) => each.ok));
    expect(ends).toHaveLength(100);
    expect([...threads].every((each) => typeof each === "number")).toBe(true);
    expect(threads.size).toBeLessThanOrEqual(2);
  });

  test("past the bound of the queue: overloaded, at once", async () => {
    await boot(1);
    const ends = await useMany("narrow", null, 10);
    const count = (code: string) => ends.filter((each) => each.code === code).length;
    expect([count("timeout"), count("overloaded")]).toEqual([3, 7]);
  });

  test("time in the queue does not count", async () => {
    await boot(1);
    // Six of 150 ms each, one after the other: the last waits far longer than it may run.
    const ends = await useMany("hang", null, 6);
    expect(ends.map((each) => each.code)).toEqual(ends.map(() => "timeout"));
    expect(await use("double", { n: 1 })).toEqual({ ok: 2 });
  });
});

describe("who waits no more", () => {
  test("an actor's end takes its calls along, running and waiting", async () => {
    const node = await boot(1);
    node.tell(a, "start", { tool: "forever" });
    const queued = use("double", { n: 2 }, b);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await node.inspect.act("kill", "/desk/a");
    // The only thread was taken for an hour.
    expect(await queued).toEqual({ ok: 4 });
  });

  test("a lost thread of actors likewise", async () => {
    const node = await boot(1);
    node.tell(a, "start", { tool: "forever" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await node.crashThread(1);
    const answer = () => use("double", { n: 3 }).catch(() => null);
    await expect.poll(answer).toEqual({ ok: 6 });
  });

  test("stop ends what runs, and nothing is left to burn time", async () => {
    const node = await boot(2);
    node.tell(a, "start", { tool: "forever" });
    node.tell(b, "start", { tool: "forever" });
    /** @unit ms of processor time in 300 ms */
    const spent = async () => {
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    };
    await expect.poll(spent).toBeGreaterThan(100);
    await node.stop();
    await expect.poll(spent).toBeLessThan(60);
  });
});

test("an app that threads of the pool cannot import: one clear error, again and at once", async () => {
  const node = await boot(1, "no-pool");
  const caller = ref("/desk/caller", Lonely);
  const message = "the app module cannot be imported in a thread of the pool: not in here";
  for (let i = 0; i < 3; i++) {
    expect(await node.ask(caller, "use", {})).toEqual({ code: "E_APP_LOAD", message });
  }
});

test("two tools of one name are refused at the start", async () => {
  const error = await start(fixture("two-tools"), { threads: 1, log: "silent" }).catch((e) => e);
  expect(error).toMatchObject({ code: "E_SPEC_DUPLICATE_ID", at: "/desk/b" });
});

describe("settings", () => {
  test("defaults, and all of them", () => {
    const defaults = { timeoutMs: 10_000, memoryBytes: 134_217_728, maxQueue: 1_000 };
    expect(pool()).toEqual({ tier: "pool", ...defaults });
    const given = { timeoutMs: 2_000, memoryBytes: 67_108_864, maxQueue: 0 };
    expect(pool({ timeout: "2s", memoryMb: 64, maxQueue: 0 })).toMatchObject(given);
  });

  test.each([
    { timeout: 0 },
    { timeout: "61m" as const },
    { memoryMb: 15 },
    { memoryMb: 1.5 },
    { maxQueue: -1 },
  ])("%o is outside of the limits", (options) => {
    expect(() => pool(options)).toThrow(ActorError);
    expect(() => pool(options)).toThrow(expect.objectContaining({ code: "E_SPEC_RANGE" }));
  });
});
