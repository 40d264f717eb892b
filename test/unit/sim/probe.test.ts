// probe(): what a test of one behaviour can say and see.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor, IGNORE } from "../../../src/actor/actor.ts";
import { ActorError } from "../../../src/actor/errors.ts";
import { formatReason } from "../../../src/actor/exit.ts";
import { ask, dynamicRef, ref, refSchema } from "../../../src/actor/protocol.ts";
import { tool } from "../../../src/actor/tool.ts";
import { microvm } from "../../../src/actor/walls.ts";
import { inTurn } from "../../../src/sim/fakes.ts";
import { probe } from "../../../src/sim/probe.ts";

const python = tool("python", {
  input: z.object({ code: z.string() }),
  output: z.object({ stdout: z.string() }),
  sandbox: microvm({ memoryMb: 128 }),
  run: "python3",
});

const Analyst = actor("analyst", {
  args: z.object({ desk: z.string() }),
  state: z.object({ desk: z.string(), answered: z.number() }),
  messages: {
    question: ask(z.object({ text: z.string() }), z.object({ text: z.string() })),
    reset: z.object({}),
  },
  init: ({ desk }) => ({ desk, answered: 0 }),
  on: {
    async question(state, { text }, ctx) {
      const { stdout } = await ctx.use(python, { code: text });
      ctx.reply({ text: stdout });
      return { ...state, answered: state.answered + 1 };
    },
    reset: (state) => ({ ...state, answered: 0 }),
  },
});

const args = { desk: "rates" };
const codeOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
    return "no error";
  } catch (error) {
    return error instanceof ActorError ? error.code : error;
  }
};

describe("the example of DESIGN §11", () => {
  test("state, reply and effects", async () => {
    const result = await probe(Analyst, { args })
      .with(python, { stdout: "42" })
      .ask("question", { text: "print(6*7)" });
    expect(result).toEqual({
      state: { desk: "rates", answered: 1 },
      reply: { text: "42" },
      effects: [{ kind: "use", tool: "python", input: { code: "print(6*7)" } }],
      exit: null,
    });
  });

  test("a tell after it", async () => {
    const analyst = probe(Analyst, { args }).with(python, { stdout: "42" });
    await analyst.ask("question", { text: "1" });
    await analyst.ask("question", { text: "2" });
    expect(analyst.state.answered).toBe(2);
    expect(await analyst.tell("reset", {})).toEqual({
      state: { desk: "rates", answered: 0 },
      effects: [],
      exit: null,
    });
    expect(analyst.effects).toHaveLength(2);
  });
});

describe("fakes", () => {
  const asked = (answer: Parameters<ReturnType<typeof fresh>["with"]>[1]) =>
    fresh()
      .with(python, answer as never)
      .ask("question", { text: "x" });
  const fresh = () => probe(Analyst, { args });

  test("a function of the input", async () => {
    const { reply } = await fresh()
      .with(python, ({ code }) => ({ stdout: `ran ${code}` }))
      .ask("question", { text: "x" });
    expect(reply).toEqual({ text: "ran x" });
  });

  test("a promise that takes real time", async () => {
    const slow = () =>
      new Promise<{ stdout: string }>((done) => setTimeout(() => done({ stdout: "late" }), 30));
    expect((await fresh().with(python, slow).ask("question", { text: "x" })).reply.text).toBe(
      "late",
    );
  });

  test("answers in turn, the last one again and again", async () => {
    const analyst = fresh().with(python, inTurn({ stdout: "1" }, { stdout: "2" }));
    const texts = [];
    for (let i = 0; i < 3; i++)
      texts.push((await analyst.ask("question", { text: "" })).reply.text);
    expect(texts).toEqual(["1", "2", "2"]);
  });

  test("an error ends the actor as it would on a node", async () => {
    const analyst = fresh().with(python, new Error("no python"));
    const error = await analyst.ask("question", { text: "x" }).catch((each) => each);
    expect(error).toBeInstanceOf(ActorError);
    expect(error.code).toBe("exited");
    expect(formatReason(error.reason)).toBe("error ActorError: no python");
    expect(analyst.exit).toEqual(error.reason);
    expect(analyst.effects.map((each) => each.kind)).toEqual(["use", "exit"]);
  });

  test("a tool without a fake is not granted", async () => {
    const analyst = fresh();
    expect(await codeOf(analyst.ask("question", { text: "x" }))).toBe("exited");
    expect(formatReason(analyst.exit!)).toContain("there is no fake for tool python");
  });

  test("a fake cannot say what the tool could not", async () => {
    expect(await codeOf(asked({ wrong: 1 } as never))).toBe("exited");
  });

  test("a call takes the virtual time it is given", async () => {
    const analyst = fresh().with(python, { stdout: "42" }, { delay: "2s" });
    const reply = analyst.ask("question", { text: "x" });
    expect((await analyst.advance("1999ms")).state.answered).toBe(0);
    expect((await analyst.advance("1ms")).state.answered).toBe(1);
    expect((await reply).reply).toEqual({ text: "42" });
  });
});

const Clock = actor("clock", {
  state: z.null(),
  messages: { tick: z.object({}) },
  init: () => null,
  on: { tick() {} },
});

const Busy = actor("busy", {
  state: z.object({ log: z.array(z.string()) }),
  messages: {
    all: z.object({}),
    note: z.object({ text: z.string() }),
    far: ask(z.object({}), z.string()),
    later: ask(z.object({}), z.string()),
    now: z.object({ text: z.string() }),
    self: z.object({}),
    silent: ask(z.object({}), z.string()),
    foreign: ask(z.object({}), z.string()),
    unwatch: z.object({}),
    idle: z.object({}),
    hire: ask(z.object({ id: z.string().optional() }), refSchema),
    leave: z.object({}),
    link: z.object({}),
    boom: z.object({}),
  },
  init: (_args, ctx) => {
    ctx.after("1m", "note", { text: "init" });
    return { log: [] };
  },
  on: {
    all(_state, _message, ctx) {
      ctx.tell(ref("/a", Clock), "tick", {});
      ctx.after("5s", "note", { text: "timer" });
      ctx.watch({ path: "/b" });
      ctx.link({ path: "/c" });
    },
    note: ({ log }, { text }) => ({ log: [...log, text] }),
    async far(_state, _message, ctx) {
      ctx.reply(await ctx.ask(ref("/analyst", Far), "get", { n: 1 }));
    },
    later: ({ log }, _message, ctx) => {
      const deferred = ctx.defer();
      waiting.push((text) => deferred.reply(text));
      return { log };
    },
    now: (_state, { text }) => waiting.shift()?.(text),
    self: (_state, _message, ctx) => ctx.tell(ctx.self, "note", { text: "self" }),
    silent: () => {},
    async foreign(_state, _message, ctx) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      ctx.reply("waited");
    },
    unwatch: (_state, _message, ctx) => ctx.watch({ path: "/b" }).cancel(),
    idle: (_state, _message, ctx) =>
      void ctx.after("3s", "note", { text: "idle" }, { when: "idle" }),
    async hire(_state, { id }, ctx) {
      const under = dynamicRef("/workers", Analyst);
      const made = await ctx.start(under, { ...(id ? { id } : {}), args });
      ctx.reply(made);
    },
    leave: (_state, _message, ctx) => ctx.exit({ tag: "shutdown", detail: "done" }),
    link: (_state, _message, ctx) => void ctx.link({ path: "/c" }),
    boom: () => {
      throw new TypeError("boom");
    },
  },
  down: ({ log }, { path, reason }) => ({ log: [...log, `down ${path} ${formatReason(reason)}`] }),
});
const Far = actor("far", {
  state: z.null(),
  messages: { get: ask(z.object({ n: z.number() }), z.string()) },
  init: () => null,
  on: { get: (_s, _m, ctx) => ctx.reply("x") },
});
const waiting: ((text: string) => void)[] = [];

describe("effects", () => {
  test("each as a plain value, in order; unknown targets do no harm", async () => {
    const busy = probe(Busy);
    expect((await busy.start()).effects).toEqual([
      { kind: "timer", afterMs: 60_000, type: "note", message: { text: "init" } },
    ]);
    expect((await busy.tell("all", {})).effects).toEqual([
      { kind: "tell", to: "/a", type: "tick", message: {} },
      { kind: "timer", afterMs: 5_000, type: "note", message: { text: "timer" } },
      { kind: "watch", to: "/b" },
      { kind: "link", to: "/c" },
    ]);
    expect((await busy.advance("5s")).state.log).toEqual(["timer"]);
    expect((await busy.advance("1m")).state.log).toEqual(["timer", "init"]);
    expect(busy.effects).toHaveLength(5);
  });

  test("the same from a durable actor, when its slice has committed", async () => {
    const busy = probe(Busy, { durable: true });
    const { effects } = await busy.tell("all", {});
    expect(effects.map((each) => each.kind)).toEqual(["tell", "timer", "watch", "link"]);
  });

  test("nothing leaves with a slice that failed", async () => {
    const Half = actor("half", {
      state: z.null(),
      messages: { go: z.object({}) },
      init: () => null,
      on: {
        go: (_s, _m, ctx) => {
          ctx.tell(ref("/a", Clock), "tick", {});
          ctx.after("1s", "go", {});
          throw new Error("half way");
        },
      },
    });
    const kinds = async (durable: boolean) =>
      (await probe(Half, { durable }).tell("go", {})).effects.map((each) => each.kind);
    expect(await kinds(true)).toEqual(["exit"]);
    expect(await kinds(false)).toEqual(["tell", "timer", "exit"]);
  });

  test("a tell to itself and an idle timer", async () => {
    const busy = probe(Busy);
    const { effects, state } = await busy.tell("self", {});
    expect(effects).toEqual([
      { kind: "tell", to: "/probe/busy", type: "note", message: { text: "self" } },
    ]);
    expect(state.log).toEqual(["self"]);
    await busy.tell("idle", {});
    await busy.advance("2s");
    await busy.tell("note", { text: "x" });
    expect((await busy.advance("10s")).state.log).toEqual(["self", "x"]);
  });

  test("starts are answered; exits are told", async () => {
    const busy = probe(Busy, { path: "/office/boss" });
    const first = await busy.ask("hire", {});
    expect(first.reply).toEqual({ path: "/workers/#1", behaviour: "analyst" });
    expect(first.effects).toEqual([{ kind: "start", under: "/workers", id: null, args }]);
    expect((await busy.ask("hire", { id: "ann" })).reply.path).toBe("/workers/ann");
    const { effects, exit } = await busy.tell("leave", {});
    expect(exit).toEqual({ tag: "shutdown", detail: "done" });
    expect(effects).toEqual([{ kind: "exit", reason: exit }]);
  });

  test("a cancelled watch", async () => {
    const { effects } = await probe(Busy).tell("unwatch", {});
    expect(effects).toEqual([
      { kind: "watch", to: "/b" },
      { kind: "unwatch", to: "/b" },
    ]);
  });
});

describe("others", () => {
  test("an answer given before, as a function, and as an error", async () => {
    const far = ref("/analyst", Far);
    const busy = probe(Busy).answer(far, "get", ({ n }) => `n is ${n}`);
    const { reply, effects } = await busy.ask("far", {});
    expect(reply).toBe("n is 1");
    expect(effects).toEqual([{ kind: "ask", to: "/analyst", type: "get", message: { n: 1 } }]);
    busy.answer(far, "get", new ActorError("overloaded", "too much"));
    await expect(busy.ask("far", {})).rejects.toMatchObject({ code: "exited" });
    expect(formatReason(busy.exit!)).toBe("error ActorError: too much");
  });

  test("an answer given while the handler waits, and none at all", async () => {
    const busy = probe(Busy);
    const reply = busy.ask("far", {});
    await busy.advance(0);
    busy.answer(ref("/analyst", Far), "get", "late");
    expect((await reply).reply).toBe("late");
  });

  test("no answer: the ask's timeout, after virtual time", async () => {
    const busy = probe(Busy);
    const reply = codeOf(busy.ask("far", {}, { timeout: "1m" }));
    await busy.advance("4999ms");
    expect(busy.exit).toBeNull();
    await busy.advance("1ms");
    expect(busy.exit).toMatchObject({ tag: "error", name: "ActorError" });
    expect(await reply).toBe("exited");
  });

  test("no answer and no time: the test is told what is missing", async () => {
    const error = await probe(Busy)
      .ask("far", {})
      .catch((each) => each);
    expect(error.message).toContain('the handler waits for an answer of /analyst to "get"');
  });

  test("the end of somebody watched, once; of somebody linked", async () => {
    const busy = probe(Busy);
    await busy.tell("all", {});
    expect((await busy.ended({ path: "/b" })).state.log).toEqual(["down /b normal"]);
    expect((await busy.ended({ path: "/b" })).state.log).toHaveLength(1);
    const { exit } = await busy.ended({ path: "/c" }, { tag: "error", name: "E", message: "m" });
    expect(formatReason(exit!)).toBe("linked to /c: error E: m");
  });
});

describe("answers", () => {
  test("deferred, given by another message", async () => {
    const busy = probe(Busy);
    const reply = busy.ask("later", {});
    await busy.tell("now", { text: "at last" });
    expect((await reply).reply).toBe("at last");
  });

  test("none", async () => {
    expect(await codeOf(probe(Busy).ask("silent", {}))).toBe("no_reply");
  });

  test("a handler that awaits something foreign is waited for", async () => {
    expect((await probe(Busy).ask("foreign", {})).reply).toBe("waited");
  });
});

describe("ends", () => {
  test("a crash keeps the state before the message; then only restart() helps", async () => {
    const busy = probe(Busy);
    await busy.tell("note", { text: "a" });
    const { exit, state } = await busy.tell("boom", {});
    expect(formatReason(exit!)).toBe("error TypeError: boom");
    expect(state.log).toEqual(["a"]);
    expect(await codeOf(busy.tell("note", { text: "b" }))).toBe("no_actor");
    expect(await busy.restart()).toMatchObject({ state: { log: [] }, exit: null });
    await busy.tell("note", { text: "c" });
    expect(busy.state.log).toEqual(["c"]);
  });

  test("a durable actor comes back with its state, and goes on in the middle", async () => {
    let paid = 0;
    const Agent = actor("agent", {
      state: z.object({ answers: z.array(z.string()) }),
      messages: { run: ask(z.object({}), z.string()) },
      init: () => ({ answers: [] }),
      on: {
        async run({ answers }, _message, ctx) {
          const { stdout } = await ctx.use(python, { code: "plan" });
          const far = await ctx.ask(ref("/analyst", Far), "get", { n: 1 });
          ctx.reply(stdout + far);
          return { answers: [...answers, stdout + far] };
        },
      },
    });
    const agent = probe(Agent, { durable: true }).with(python, () => ({ stdout: `${++paid} ` }));
    const reply = agent.ask("run", {});
    await agent.advance(0);
    expect(paid).toBe(1);
    expect((await agent.crash()).exit).toBeNull();
    agent.answer(ref("/analyst", Far), "get", "done");
    expect((await reply).reply).toBe("1 done");
    expect(paid).toBe(1);
    await agent.crash();
    expect(agent.state).toEqual({ answers: ["1 done"] });
  });

  test("stop() runs the last words", async () => {
    const said: string[] = [];
    const Polite = actor("polite", {
      state: z.null(),
      messages: {},
      init: () => null,
      on: {},
      terminate: (_state, reason) => said.push(formatReason(reason)),
    });
    const { exit } = await probe(Polite).stop();
    expect([said, exit]).toEqual([["shutdown"], { tag: "shutdown" }]);
  });

  test("an init that throws, and one that ignores", async () => {
    const make = (init: () => null | typeof IGNORE) =>
      probe(actor("x", { state: z.null(), messages: { a: z.object({}) }, init, on: { a() {} } }));
    const broken = make(() => {
      throw new Error("no");
    });
    expect(formatReason((await broken.start()).exit!)).toBe("error Error: no");
    expect(await codeOf(broken.tell("a", {}))).toBe("E_START_FAILED");
    expect((await make(() => IGNORE).start()).exit).toEqual({ tag: "normal" });
  });
});

describe("misuse", () => {
  test("what no type would let pass is refused at the edge", async () => {
    expect(await codeOf(probe(Busy).tell("nope" as never, {} as never))).toBe("E_MESSAGE_TYPE");
    expect(await codeOf(probe(Busy).tell("toString" as never, {} as never))).toBe("E_MESSAGE_TYPE");
    expect(await codeOf(probe(Busy).tell("note", { text: 1 } as never))).toBe("E_MESSAGE_SCHEMA");
    expect(() => probe(Analyst, { args: {} as never })).toThrow(ActorError);
  });
});
