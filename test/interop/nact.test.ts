/**
 * Cases of nact's own suite through the adapter, by their number in docs/NACT.md; then what the two
 * worlds do together. One node; a nact system on the main thread.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Behaviour, probe, type StartOptions, type System, start } from "coppice";
import { bridge, fromNact, nactRef } from "coppice/interop/nact";
import * as nact from "nact";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases, Native } from "./fixtures/cases.ts";

// biome-ignore lint/suspicious/noExplicitAny: nact's functions are mostly JavaScript
type Any = any;

let system: System;
let main: nact.ActorSystemRef;
let bridged: { close(): void };
const heard: string[] = [];
const logged: string[] = [];

beforeAll(async () => {
  main = nact.start({ name: "main" } as never);
  nact.spawn(main, (_state: Any, text: string) => void heard.push(text), "listener");
  const fixture = new URL("./fixtures/cases.ts", import.meta.url);
  const onEvent: StartOptions["onEvent"] = (event) => {
    if (event.type === "log") logged.push(`${event.level} ${event.message}`);
  };
  system = await start(fixture, { threads: 2, log: "silent", inspect: false, onEvent });
  bridged = bridge(system);
});

afterAll(async () => {
  bridged?.close();
  nact.stop(main);
  await system?.stop();
});

const to = (path: string, behaviour: Behaviour<Any, Any, Any> = cases.text): nact.Ref<Any> =>
  nactRef(`/n/${path}`, behaviour);
const ask = (path: string, fields: object = {}, ms = 5_000): Promise<Any> =>
  nact.query(to(path), (sender) => ({ ...fields, sender }), ms);
const tell = (path: string, ...messages: Any[]) => {
  for (const message of messages) nact.dispatch(to(path), message);
};
const statusOf = async (path: string) => {
  const { processes } = await system.inspect.tree();
  return processes.find((each) => each.path === `/n/${path}`)?.status ?? "gone";
};
const isOver = (path: string) => expect.poll(() => statusOf(path)).toMatch(/gone|undefined/);
const lifeOf = async (path: string) => (await system.inspect.show(`/n/${path}`)).incarnation;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("nact's suite: the function", () => {
  test("A01 differs: a reference has name and path, and is plain data", () => {
    const ref = to("alone/a", cases.counter);
    expect(ref).toMatchObject({
      name: "a",
      path: { system: "coppice", parts: ["n", "alone", "a"] },
    });
    expect(structuredClone(ref)).toEqual(ref);
  });
  test("A02 a promise inside", async () => {
    expect(await ask("promise")).toBe(2);
  });
  test("A03 state", async () => {
    tell("text", { append: "Hello " }, { append: "you." });
    expect(await ask("text")).toBe("Hello you.");
  });
  test("A04 an initial state", async () => {
    tell("initial", { append: "start" });
    expect(await ask("initial")).toBe("A start");
  });
  test("A05 a function for it, with a context", async () => {
    expect(await ask("initialFunc")).toBe("I am initialFunc");
  });
  test("A06 differs: when that throws, the start fails, and the supervisor decides", async () => {
    const bad = fromNact("bad", () => 0, {
      initialStateFunc: () => {
        throw new Error("a bad start");
      },
      onCrash: (_m, _e, ctx) => ctx.resume,
    });
    expect((await probe(bad).start()).exit).toMatchObject({ tag: "error", message: "a bad start" });
  });
  test("A07 order, although one message takes longer", async () => {
    const listener = to("orderText");
    tell("inOrder", ...[1, 2, 3].map((number) => ({ number, to: listener })));
    await expect.poll(() => ask("orderText")).toBe("123");
  });
  test("A08 stateless: an error does not end it", async () => {
    tell("stateless", "bad");
    expect(await ask("stateless")).toBe("still here");
    expect(await lifeOf("stateless")).toBe(1);
  });
  test("A09 A10 A35 A37 A41 an error ends a temporary child, and no neighbour", async () => {
    tell("temporary", {}, {}, {});
    await isOver("temporary");
    tell("family/a", {}, {}, {});
    await isOver("family/a");
    expect(await ask("family/b")).toBe(1);
  });
  test("A09: any other child begins anew", async () => {
    tell("counter", {}, {}, {});
    await expect.poll(() => lifeOf("counter")).toBe(2);
    expect(await ask("counter")).toBe(1);
  });
  test("P01 P02 differs: a durable one comes back as it was, with its mail", async () => {
    tell("kept", {}, {}, {});
    expect(await ask("kept", { safe: true })).toBe(3);
    expect(await lifeOf("kept")).toBeGreaterThan(1);
  });
  test("A11 a rejection likewise", async () => {
    tell("temporaryRejecting", {});
    await isOver("temporaryRejecting");
  });
});

describe("nact's suite: the end", () => {
  test("A12 shutdownAfter", async () => {
    await isOver("brief");
  });
  test("A13 … begins again with each message", async () => {
    await system.inspect.act("restart", "/n/renewed");
    for (let i = 0; i < 4; i++) {
      expect(await ask("renewed")).toBe("up");
      await wait(800);
    }
    await isOver("renewed");
  });
  test("A14 … is a number", () => {
    const options = { shutdownAfter: {} as never };
    expect(() => fromNact("x", () => 0, options)).toThrow(
      expect.objectContaining({ code: "E_SPEC_RANGE" }),
    );
  });
  test("A16 nothing is done after the end: who asked is told", async () => {
    tell("slow", { pause: 2_000 });
    const answer = ask("slow", {}, 9_000);
    answer.catch(() => {});
    await wait(50);
    nact.stop(to("slow"));
    await expect(answer).rejects.toMatchObject({ code: "exited" });
  });
  test("A18 A19 A25 stopping twice, telling and asking what is stopped", async () => {
    nact.stop(to("ended"));
    await isOver("ended");
    nact.stop(to("ended"));
    tell("ended", { append: "nobody reads it" });
    await expect(ask("ended")).rejects.toMatchObject({ code: "no_actor" });
    await isOver("ended");
  });
  test("A45 differs: afterStop has state and context, and no mailbox", async () => {
    nact.stop(to("last"));
    await expect.poll(() => heard).toContain("coppice://n/last ended with 7");
  });
});

describe("nact's suite: children of nact's in the actor's thread", () => {
  test("A17 A22 A23 spawned inside, known by name, stopped with their parent", async () => {
    expect(await ask("parent")).toEqual([]);
    tell("parent", { spawn: "one" }, { spawn: "two" });
    expect(await ask("parent")).toEqual(["one", "two"]);
    expect(await ask("parent", { relay: true })).toBe("from coppice://n/parent/worker");
    await expect.poll(() => heard).toContain("told by a child");
    nact.stop(to("parent"));
    const ends = ["one has stopped", "two has stopped", "grandchild has stopped"];
    await expect.poll(() => heard).toEqual(expect.arrayContaining(ends));
  });
  test("A15 differs: from outside none can be spawned, stopped or not", () => {
    expect(() => nact.spawn(to("text"), () => 0, "x")).toThrow(/spawn\(ctx.self/);
  });
  test("A21 no two of one name", async () => {
    await system.inspect.act("restart", "/n/parent");
    expect(await ask("parent", { twice: true })).toMatch(/same already exists/);
  });
});

describe("nact's suite: query", () => {
  test("A24 needs a timeout", () => {
    const query = () => nact.query(to("text"), (sender) => ({ sender }), undefined as never);
    expect(query).toThrow("A timeout is required");
  });
  test("A26 A27 is rejected when it is over, and resolved before", async () => {
    await system.inspect.act("restart", "/n/slow");
    await expect(ask("slow", { pause: 200 }, 20)).rejects.toMatchObject({ code: "timeout" });
    expect(await ask("slow", { pause: 5 })).toBe("done");
  });
  test("A28 the reference itself as the message", async () => {
    expect(await nact.query(to("itself"), (sender) => sender, 5_000)).toBe("done");
  });
});

describe("nact's suite: onCrash", () => {
  test("A29 resume: state and mail stay", async () => {
    tell("resume", {}, {}, {});
    expect(await ask("resume", { safe: true })).toBe(3);
  });
  test("A30 A31 reset: the first state, and the mail stays", async () => {
    tell("reset", {}, {}, {});
    expect(await ask("reset", { safe: true })).toBe(1);
    expect(await lifeOf("reset")).toBe(1);
    tell("resetFirst", {}, {});
    expect(await ask("resetFirst", { safe: true })).toBe(2);
  });
  test("A32 stop: a clean end, which a transient child stays in", async () => {
    tell("stop", {}, {}, {});
    await isOver("stop");
    const last = async () => (await system.inspect.show("/n/stop")).lastExit?.reason.tag;
    await expect.poll(last).toBe("shutdown"); // its thread forgets it before its supervisor tells
  });
  test("A33 A36 escalate: a supervisor without restarts ends too", async () => {
    tell("once/a", {}, {}, {});
    await isOver("once/a");
    await isOver("once");
  });
  test("A39 A40 differs: a choice about others is the supervisor's", async () => {
    tell("strategy", {}, {}, {});
    const last = async () => (await system.inspect.show("/n/strategy")).lastExit?.reason;
    const message = "onCrash chose Symbol(stopAll), which is for a supervisor to decide";
    await expect.poll(last).toMatchObject({ tag: "error", message });
  });
  test("A42 A43 reset all: one_for_all", async () => {
    expect([await ask("together/b"), await ask("together/b")]).toEqual([1, 2]);
    tell("together/a", {}, {}, {});
    await expect.poll(() => lifeOf("together/b")).toBe(2);
    expect([await ask("together/a"), await ask("together/b")]).toEqual([1, 1]);
  });
  test("A44 reset one: one_for_one", async () => {
    expect(await ask("alone/b")).toBe(1);
    tell("alone/a", {}, {}, {});
    await expect.poll(() => lifeOf("alone/a")).toBe(2);
    expect([await ask("alone/a"), await ask("alone/b")]).toEqual([1, 2]);
  });
});

describe("both worlds", () => {
  test("L01 each method of nact's logger is a line of the log", async () => {
    const methods = ["trace", "debug", "info", "warn", "error", "critical"] as const;
    tell("talks", ...methods, "event", "metric", "exception");
    const levels = ["debug", "debug", "info", "warn", "error", "error", "info", "info", "error"];
    await expect.poll(() => logged).toEqual(levels.map((level) => `${level} text`));
  });
  test("a function stops itself", async () => {
    tell("selfStop", {});
    await isOver("selfStop");
  });
  test("a query is answered by a later message, or by another actor", async () => {
    const first = ask("later", { hold: true });
    await wait(50);
    tell("later", { release: "at last" });
    expect(await first).toBe("at last");
    expect(await ask("later", { pass: to("deputy") })).toBe("from the deputy");
  });
  test("a function asks an actor of either world, and hears of both ends", async () => {
    const answering = (_state: Any, { sender }: Any) => nact.dispatch(sender, "from the main one");
    const there = nact.spawn(main, answering, "there");
    const silent = nact.spawn(main, () => 0, "silent");
    expect(await ask("asker", { of: there, ms: 5_000 })).toBe("from the main one");
    expect(await ask("asker", { of: silent, ms: 50 })).toBe("timeout");
    expect(await ask("asker", { of: to("deputy"), ms: 5_000 })).toBe("from the deputy");
    expect(await ask("asker", { of: to("nobody"), ms: 5_000 })).toBe("no_actor");
  });
  test("what is sent when the function is done comes from outside, and arrives", async () => {
    tell("afterwards", { to: to("afterwardsText") });
    await expect.poll(() => heard).toContain("afterwards: to nact");
    await expect.poll(() => ask("afterwardsText")).toBe("late");
  });
  test("an actor of Coppice: nact's messages by their type, queries are asks", async () => {
    const native = nactRef("/n/native", Native);
    nact.dispatch(native, { type: "note", text: "from nact" });
    expect(await nact.query(native, () => ({ type: "notes" }), 5_000)).toEqual(["from nact"]);
    const from = { path: "/n/nativeText", behaviour: "text" };
    const read = () => ({ type: "readText", from });
    expect(await nact.query(native, read, 5_000)).toBe("native");
    const wrong = () => nact.dispatch(native, { type: "no such" });
    expect(wrong).toThrow(expect.objectContaining({ code: "E_MESSAGE_TYPE" }));
  });
  test("one bridge at a time; without it nact is told that nobody is there", () => {
    expect(() => bridge(system)).toThrow(expect.objectContaining({ code: "refused" }));
    bridged.close();
    expect(() => tell("text", {})).toThrow(expect.objectContaining({ code: "no_actor" }));
    bridged = bridge(system);
  });
  test("a function is tested alone, as any behaviour; what it sends is its effect", async () => {
    const other = nactRef("/n/text", cases.text);
    const adds = (sum: number, by: number) => {
      nact.dispatch(other, { append: by });
      return sum + by;
    };
    const turn = await probe(fromNact("adds", adds, { initialState: 1 })).tell("dispatch", {
      message: 2,
    });
    expect(turn.state).toEqual({ value: 3 });
    expect(turn.effects).toMatchObject([{ to: "/n/text" }]);
  });
});

test("each case that docs/NACT.md says to pass or to differ has its number in a test here", () => {
  const table = readFileSync(join(import.meta.dirname, "..", "..", "docs", "NACT.md"), "utf8");
  const own = readFileSync(import.meta.filename, "utf8");
  const titles = own.match(/(?<=test\(")[AP]\d[^"]*/g)?.join(" ") ?? "";
  const rows = [...table.matchAll(/^\| ([AP]\d\d) \|[^|]*\| (passes|differs)/gm)];
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.map((each) => each[1]).filter((id) => !titles.includes(id as string))).toEqual([]);
});
