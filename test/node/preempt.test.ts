/** Preemption on real threads: whatever hangs ends alone, or with its thread, and nobody else loses. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamicRef, type ExitReason, ref, type StartOptions, type System, start } from "coppice";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { monotonicMs } from "../../src/node/pump.ts";
import { hangs, Neighbour, Teller, Villain } from "./fixtures/hangs.ts";

const NEIGHBOURS = 200;
const APP = new URL("./fixtures/hangs.ts", import.meta.url);
const villain = ref("/hangs/villain", Villain);
const teller = ref("/hangs/teller", Teller);

/** A node with one thread, 200 neighbours on it, and what became of the villain. */
async function stage(kind: "plain" | "durable", options: StartOptions = {}) {
  const data = mkdtempSync(join(tmpdir(), "coppice-preempt-"));
  const events: KernelEvent[] = [];
  const onEvent = (event: KernelEvent) => void events.push(event);
  const settings = { threads: 1, data, log: "silent", inspect: false, onEvent } as const;
  const system: System = await start(APP, { ...settings, ...options });
  const under = dynamicRef(`/hangs/${kind}`, Neighbour);
  const neighbours = await Promise.all(
    Array.from({ length: NEIGHBOURS }, (_, i) =>
      system.start(under, { id: `n${i}`, args: undefined }),
    ),
  );
  let told = 0;
  return {
    /** Lets the villain hang, with mail of all neighbours before and behind what it is told. */
    hang(verb: "hang" | "plain", how: string) {
      told += 2;
      const to = neighbours.map(({ path }) => path);
      // What a durable actor sends is kept with its commit; what we told would die with the thread.
      if (kind === "durable") return system.tell(teller, "go", { to, verb, how });
      for (const each of neighbours) system.tell(each, "add", {});
      system.tell(villain, verb, { how });
      for (const each of neighbours) system.tell(each, "add", {});
    },
    /** Each neighbour has handled all its mail, once. */
    async expectAll() {
      const count = (each: (typeof neighbours)[number]) =>
        expect.poll(() => system.getState(each).catch(() => null)).toEqual({ count: told });
      await Promise.all(neighbours.map(count));
    },
    tell: (verb: "hang" | "plain", how: string) => system.tell(villain, verb, { how }),
    spin: (ms: number) => system.tell(villain, "spin", { ms }),
    awake: () => system.ask(villain, "awake", {}, { timeout: "20s" }),
    /** How the villain ended since the last question. */
    async end(): Promise<ExitReason> {
      const find = () =>
        events.find((event) => event.type === "child_terminated" && event.path === villain.path);
      await expect.poll(find).toBeDefined();
      const event = find() as Extract<KernelEvent, { type: "child_terminated" }>;
      await expect
        .poll(() => system.ask(villain, "awake", {}).catch(() => null))
        .toBeGreaterThan(0);
      return event.reason;
    },
    /** When the villain's present life began, on the clock of all threads. */
    startedAt: () =>
      events.findLast((event) => event.type === "started" && event.path === villain.path)?.atMs,
    /** Why threads were lost since the last question. */
    losses: () => events.flatMap((event) => (event.type === "thread_lost" ? [event.why] : [])),
    forget: () => void events.splice(0),
    async close() {
      await system.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

type Stage = Awaited<ReturnType<typeof stage>>;

describe("a handler that hangs ends alone", () => {
  let all: Stage;
  beforeAll(async () => {
    all = await stage("plain");
  });
  afterAll(() => all.close());
  afterEach(() => all.forget());

  test.each(hangs)("%s", async (how) => {
    all.hang("hang", how);
    const reason = await all.end();
    expect(reason).toMatchObject({ tag: "aborted", sliceMs: 50 });
    // Where code runs that the machine calls itself there may be no frame of a file.
    const stack = (reason as { stack?: string }).stack ?? "";
    if (!/queueMicrotask|pending/.test(how)) expect(stack).toContain("hangs.ts:");
    expect(stack).not.toContain("/src/");
    await all.expectAll();
    expect(all.losses()).toEqual([]);
  });

  test.each([
    ["process.exit", "ProcessExit", "process.exit(3)"],
    ["process.exit, caught", "ProcessExit", "process.exit(3)"],
    ["process.exit behind an await", "ProcessExit", "process.exit(4)"],
    ["process.kill", "ProcessExit", `process.kill(${process.pid}, SIGKILL)`],
    ["process.abort", "ProcessExit", "process.abort()"],
    ["rejection", "Error", "nobody cares"],
    ["rejection, later", "Error", "nobody cares"],
    ["throw in a timer", "Error", "nobody cares"],
  ])("%s is the exit of the actor", async (how, name, message) => {
    all.hang("hang", how);
    const reason = await all.end();
    expect(reason).toMatchObject({ tag: "error", name, message });
    expect((reason as { stack: string }).stack).toContain("hangs.ts:");
    await all.expectAll();
    expect(all.losses()).toEqual([]);
  });

  test("work within the limit is not disturbed", async () => {
    for (let i = 0; i < 20; i++) all.spin(20);
    await all.awake();
    expect(all.losses()).toEqual([]);
  });
});

describe("what cannot be ended alone costs the thread, and durable neighbours lose nothing", () => {
  let all: Stage;
  beforeAll(async () => {
    all = await stage("durable", { abortGrace: 300, hangLimit: 600, threadHeap: "96mb" });
  });
  afterAll(() => all.close());
  afterEach(() => all.forget());

  test.each([
    ["hang", "execSync", /a handler held it for more than 350 ms/],
    ["hang", "own timer", /code outside of a handler held it for more than 600 ms/],
    ["plain", "own microtasks", /code outside of a handler held it for more than 600 ms/],
    ["plain", "untraced throw", /nobody caught an error: Error: nobody cares/],
    ["hang", "heap bomb", /out of memory/],
  ] as const)("%s: %s", async (verb, how, why) => {
    all.hang(verb, how);
    expect(await all.end()).toEqual({ tag: "thread_lost", thread: 1 });
    await all.expectAll();
    expect(all.losses()).toEqual([expect.stringMatching(why)]);
  });
});

describe("other ways", () => {
  let all: Stage;
  afterEach(() => all.close());

  test("JSON.parse of 200 MB", async () => {
    all = await stage("durable", { abortGrace: 300 });
    all.hang("hang", "JSON.parse");
    // The abort may land in what builds the text.
    expect(["thread_lost", "aborted"]).toContain((await all.end()).tag);
    await all.expectAll();
  });

  test("an endless chain of nextTick", async () => {
    all = await stage("durable", { abortGrace: 300, hangLimit: 600 });
    all.hang("hang", "nextTick loop");
    // A tick that has set the next one before it was ended leaves the chain alive: then the thread goes.
    expect(["thread_lost", "aborted"]).toContain((await all.end()).tag);
    await all.expectAll();
  });

  test("a thread lost by an untraced failure: its successor traces plain handlers too", async () => {
    all = await stage("durable");
    all.tell("plain", "untraced throw");
    expect((await all.end()).tag).toBe("thread_lost");
    all.forget();
    for (const how of ["untraced throw", "untraced exit"]) {
      all.tell("plain", how);
      expect((await all.end()).tag).toBe("error");
      expect(all.losses()).toEqual([]);
      all.forget();
    }
  });

  test("on the successor of a lost thread a handler ends alone again", async () => {
    all = await stage("durable", { abortGrace: 300 });
    all.hang("hang", "execSync");
    expect((await all.end()).tag).toBe("thread_lost");
    all.forget();
    all.hang("hang", "loop");
    expect((await all.end()).tag).toBe("aborted");
    await all.expectAll();
    expect(all.losses()).toEqual([]);
  });

  test("the main thread need not be free", async () => {
    all = await stage("plain");
    all.hang("hang", "loop");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    const freeAt = monotonicMs();
    await all.end();
    expect(all.startedAt()).toBeLessThan(freeAt);
  });

  test("without aborts the thread is replaced", async () => {
    all = await stage("durable", { preempt: "replace", abortGrace: 100 });
    for (const how of ["loop", "microtask loop"]) {
      all.hang("hang", how);
      expect(await all.end()).toEqual({ tag: "thread_lost", thread: 1 });
      await all.expectAll();
      all.forget();
    }
  });
});

describe("settings", () => {
  test("where the inspector is forbidden that is said, and threads are replaced", () => {
    const permissions = [
      "--permission",
      "--allow-worker",
      "--allow-fs-read=*",
      "--allow-fs-write=*",
    ];
    const program = new URL("./fixtures/forbidden.ts", import.meta.url).pathname;
    const flags = ["--no-warnings", "--conditions=coppice-source", ...permissions];
    const { stdout } = spawnSync(process.execPath, [...flags, program], { encoding: "utf8" });
    expect(stdout).toMatch(
      /^said: code that hangs costs its thread, .*restricted.*\nend: thread_lost\n$/,
    );
  });

  test.each([
    [{ preempt: "sometimes" as never }, "E_SPEC_STRATEGY"],
    [{ abortGrace: 0 }, "E_SPEC_RANGE"],
    [{ lookout: 1_001 }, "E_SPEC_RANGE"],
    [{ hangLimit: "soon" as never }, "E_UNITS"],
    [{ threadHeap: "1mb" as const }, "E_SPEC_RANGE"],
  ])("%o is refused", async (options, code) => {
    await expect(start(APP, { ...options, inspect: false })).rejects.toMatchObject({ code });
  });
});
