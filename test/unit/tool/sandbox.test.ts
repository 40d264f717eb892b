/** Commands: from input to request, over the line to the control thread, and back as an outcome. */
import { MessageChannel } from "node:worker_threads";
import { child, microvm, sandbox, tool } from "coppice";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import {
  ISOLATED_TIERS,
  type IsolatedTier,
  NO_USAGE,
  outcomeError,
} from "../../../src/actor/outcome.ts";
import type { AnyTool } from "../../../src/actor/tool.ts";
import type { ToolCall, ToolEnd } from "../../../src/kernel/tools.ts";
import { sandboxCalls, sandboxServer } from "../../../src/node/sandbox-link.ts";
import { brokerOf } from "../../../src/tool/broker.ts";
import { Collector, outcomeOf } from "../../../src/tool/collect.ts";
import { limitsOf, requestOf } from "../../../src/tool/command.ts";
import type { Sandbox, SandboxDriver, SandboxRequest } from "../../../src/tool/sandbox.ts";
import { DRIVERS, type Drivers, probeTiers, Sandboxes, tierFor } from "../../../src/tool/tiers.ts";
import { bareHost, callDefaults } from "./hosts.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const usage = { ...NO_USAGE, wallMs: 3, cpuMs: 2, memoryBytes: 1_000 };

const limits = limitsOf(sandbox("process"));

/** A driver whose commands are programs of this table. */
function scripted(tier: IsolatedTier, log: string[] = []): SandboxDriver {
  const box: Sandbox = {
    tier,
    async run(request, limits, signal, output) {
      log.push(request.command);
      const said = { tier, usage } as const;
      switch (request.command) {
        case "cat":
          output({ stream: "stdout", bytes: request.stdin.slice(0, 2) });
          output({ stream: "stdout", bytes: request.stdin.slice(2) });
          return { ...said, tag: "ok", value: { stdout: request.stdin, stderr: bytes("") } };
        case "reach": {
          const row = { connections: 1, bytesIn: 1, bytesOut: 1 };
          const network = [
            { ...row, to: "a.example:443", refused: null },
            { ...row, to: "b.example:443", refused: "it is not granted" },
          ];
          return { tier, usage: { ...usage, network }, tag: "timeout", limitMs: 1 };
        }
        case "fail":
          return { ...said, tag: "failed", code: 3, why: "no such thing" };
        case "sleep":
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          log.push("ended");
          return { ...said, tag: "killed", limit: "owner", why: "" };
        case "slow":
          return { ...said, tag: "timeout", limitMs: limits.timeoutMs };
        case "lie":
          return { ...said, tag: "hostile", why: "a frame of -1 bytes" };
      }
      throw new Error("the driver is broken");
    },
    async close() {
      log.push("closed");
    },
  };
  return {
    probe: async () => ({ tier, available: true, what: "scripted" }),
    open: async () => {
      log.push(`open ${tier}`);
      return box;
    },
  };
}

const missing = (tier: IsolatedTier): SandboxDriver => ({
  probe: async () => ({ tier, available: false, why: `no ${tier} here`, fix: `install ${tier}` }),
  open: () => Promise.reject(new Error("it is not there")),
});

afterEach(() => {
  for (const tier of ISOLATED_TIERS) delete DRIVERS[tier];
});

describe("the tier that runs", () => {
  const drivers: Drivers = {
    process: async () => scripted("process"),
    userkernel: async () => missing("userkernel"),
    "microvm-tcg": async () => scripted("microvm-tcg"),
  };

  test.each<[IsolatedTier, IsolatedTier]>([
    ["process", "process"],
    ["userkernel", "microvm-tcg"],
    ["microvm-tcg", "microvm-tcg"],
  ])("at least %s: %s", async (minimum, tier) => {
    expect(await tierFor(minimum, "t", drivers)).toBe(tier);
  });

  test("is never a weaker one: the error says what is missing and what to do", async () => {
    const refused = tierFor("microvm", "python", drivers);
    await expect(refused).rejects.toMatchObject({
      code: "E_SANDBOX_MISSING",
      at: "microvm: this version has no driver for it",
    });
    const only = { microvm: async () => missing("microvm") };
    await expect(tierFor("userkernel", "python", only)).rejects.toMatchObject({
      at: expect.stringContaining("microvm: no microvm here"),
    });
  });

  test("is told for each tier", async () => {
    const reports = await probeTiers(drivers);
    expect(reports.map((each) => each.available)).toEqual([true, false, true, false]);
  });

  test("is opened once, and again after a failure", async () => {
    const log: string[] = [];
    let there = false;
    const late = { process: async () => (there ? scripted("process", log) : missing("process")) };
    const sandboxes = new Sandboxes(() => {}, late);
    await expect(sandboxes.for("process", "t")).rejects.toMatchObject({ at: /no process here/ });
    there = true;
    await Promise.all([sandboxes.for("process", "t"), sandboxes.for("process", "t")]);
    await sandboxes.close();
    expect(log).toEqual(["open process", "closed"]);
  });
});

const Idle = actor("idle", { state: z.object({}), messages: {}, init: () => ({}), on: {} });

/** A call over a real line. */
function line(log: string[] = []) {
  DRIVERS.process = async () => scripted("process", log);
  const { port1, port2 } = new MessageChannel();
  const server = sandboxServer(() => {});
  server.serve(port2);
  const broker = brokerOf(bareHost({ sandbox: sandboxCalls(port1) }));
  const call = (what: AnyTool, input: unknown, more: Partial<ToolCall> = {}): Promise<ToolEnd> => {
    const spec = child("idle", Idle, { tools: [what] });
    return broker.call({ ...callDefaults(), spec, tool: what, input, ...more });
  };
  return { call, server, port1, close: () => port1.close() };
}

const program = (run: string) =>
  tool("program", {
    input: z.unknown(),
    output: z.object({ stdout: z.string() }),
    sandbox: sandbox("process", { timeout: 50 }),
    run,
  });

describe("a call over the line", () => {
  test("brings value, tier and usage; its output comes in whole characters", async () => {
    const { call, close } = line();
    const chunks: string[] = [];
    const output = (chunk: { text: string }) => chunks.push(chunk.text);
    const end = await call(program("cat"), "1ä€", { output });
    expect(end).toMatchObject({ tag: "ok", value: { stdout: "1ä€" }, tier: "process" });
    expect(end.usage).toEqual({ ...usage, bytesIn: 6 });
    expect(chunks).toEqual(["1", "ä€"]);
    close();
  });

  test("each host that was refused is a decision; all are in its usage", async () => {
    const { call, close } = line();
    const decisions: unknown[] = [];
    const decided = (each: unknown) => void decisions.push(each);
    const end = await call(program("reach"), "x", { decided });
    expect(decisions).toEqual([
      { decision: "deny", why: "b.example:443: it is not granted", by: "network" },
    ]);
    expect(end.usage.network).toHaveLength(2);
    close();
  });

  test.each([
    ["fail", { tag: "failed", code: 3 }, "E_TOOL_FAILED"],
    ["slow", { tag: "timeout", limitMs: 50 }, "timeout"],
    ["lie", { tag: "hostile" }, "E_TOOL_HOSTILE"],
  ])("%s ends as it says", async (command, shape, code) => {
    const { call, close } = line();
    const end = await call(program(command), 1);
    expect(end).toMatchObject({ ...shape, tier: "process" });
    expect(outcomeError("program", end as never).code).toBe(code);
    close();
  });

  test("a host without a sandbox to give is a failure that may pass, and no denial", () => {
    const end = { tag: "failed", code: null, why: "no room", tier: null, usage: NO_USAGE } as const;
    const error = outcomeError("python", end);
    expect(error.code).toBe("E_SANDBOX_START");
    expect(error.message).toContain("did not run: no room");
    const collected = new Collector(limits, () => {});
    const cut = { tag: "absent", why: "no room" } as const;
    expect(outcomeOf("microvm", limits, NO_USAGE, cut, collected)).toEqual(end);
  });

  test("a driver that breaks its promise not to throw costs this call alone", async () => {
    const { call, close } = line();
    const end = await call(program("odd"), 1);
    expect(end).toMatchObject({ tag: "unknown", why: "the driver is broken", tier: "process" });
    expect((await call(program("cat"), 1)).tag).toBe("ok");
    close();
  });

  test("ends with its actor, with its thread, and with the node", async () => {
    const log: string[] = [];
    const { call, close, server } = line(log);
    const ended = new AbortController();
    const own = call(program("sleep"), 1, { signal: ended.signal });
    await expect.poll(() => log.filter((each) => each === "sleep")).toHaveLength(1);
    ended.abort();
    const end = await own;
    expect(end).toMatchObject({ tag: "killed", limit: "owner" });
    expect(outcomeError("program", end as never).code).toBe("E_TOOL_KILLED");
    await expect.poll(() => log.filter((each) => each === "ended")).toHaveLength(1);
    void call(program("sleep"), 1);
    await expect.poll(() => log.filter((each) => each === "sleep")).toHaveLength(2);
    close();
    await expect.poll(() => log.filter((each) => each === "ended")).toHaveLength(2);
    const other = line(log);
    void other.call(program("sleep"), 1);
    await expect.poll(() => log.filter((each) => each === "sleep")).toHaveLength(3);
    await Promise.all([server.close(), other.server.close()]);
    expect(log.filter((each) => each === "closed")).toHaveLength(2);
    other.close();
  });

  test("a microVM is not replaced by a process", async () => {
    const { call, close } = line();
    const strong = tool("strong", {
      input: z.unknown(),
      output: z.unknown(),
      sandbox: microvm(),
      run: "cat",
    });
    expect((await call(strong, 1)).cause).toMatchObject({ code: "E_SANDBOX_MISSING" });
    close();
  });
});

describe("a request", () => {
  const made = (run: AnyTool["run"], input: unknown): SandboxRequest =>
    requestOf({ ...program("cat"), run } as AnyTool, input, "k");

  test("words are program and arguments; the input is JSON on stdin", () => {
    const { command, args, stdin } = made("python3  -I -c pass", { n: 1 });
    expect([command, args, text(stdin)]).toEqual(["python3", ["-I", "-c", "pass"], '{"n":1}']);
  });

  test("an interpreter gets the program itself: text, or the input's code", () => {
    const stdin = (input: unknown) => text(made("python3", input).stdin);
    expect(stdin({ code: "print(6*7)" })).toBe("print(6*7)");
    expect(stdin("print(6*7)")).toBe("print(6*7)");
    expect(stdin({ code: 7 })).toBe('{"code":7}');
    expect(stdin(null)).toBe("null");
  });

  test("arguments, files and stdin follow from the input", () => {
    const run = {
      command: "sh",
      args: (input: string) => ["run.sh", input],
      files: (input: string) => ({ "run.sh": `#!/bin/sh\necho ${input}`, "data/x": bytes("x") }),
      stdin: "",
    };
    const { args, files, stdin } = made(run, "$(reboot)");
    expect(args).toEqual(["run.sh", "$(reboot)"]);
    expect(files.map(({ path, executable }) => [path, executable])).toEqual([
      ["run.sh", true],
      ["data/x", false],
    ]);
    expect(stdin).toHaveLength(0);
  });

  test.each(["../x", "/etc/passwd", "a/../b", "a//b", ".", "a\u0000b", "a\\b", "x".repeat(300)])(
    "no file leaves the working folder: %j",
    (path) => {
      expect(() => made({ command: "sh", files: { [path]: "" } }, null)).toThrow(/is not allowed/);
    },
  );

  test("is bounded", () => {
    const stdin = new Uint8Array(64 * 1_048_576 + 1);
    expect(() => made({ command: "cat", stdin }, null)).toThrow(/are more than/);
    expect(() => made({ command: "cat", args: ["a\0b"] }, null)).toThrow(/no text/);
  });
});
