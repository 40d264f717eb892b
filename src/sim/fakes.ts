/**
 * Owns: scripted tools: what a tool answers in a probe or a simulation instead of running. Grants
 * and schemas are checked as on a node, so a fake cannot say what the real tool could not.
 * Does not own: when a call is made and recorded (kernel/verbs.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { NO_USAGE } from "../actor/outcome.ts";
import type { Policy } from "../actor/policy.ts";
import type { AnyTool, ToolValue } from "../actor/tool.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import type { ToolCall, ToolEnd, Tools } from "../kernel/tools.ts";
import { type BrokerHost, inlineTools } from "../tool/broker.ts";
import { Desk } from "../tool/desk.ts";

/** A value, an error to fail with, or a function of the input. */
export type FakeAnswer<I, O> = O | Error | ((input: I) => O | Promise<O>);

/** A tool with what it answers. Made by {@link fake}. */
export interface Fake {
  readonly kind: "fake";
  readonly tool: AnyTool;
  readonly answer: FakeAnswer<never, unknown>;
  /** How long a call takes. @unit ms of virtual time */
  readonly delayMs: number;
}

/**
 * A scripted tool.
 *
 * @param options.delay how long each call takes, in virtual time. @default 0
 * @example fake(python, ({ code }) => ({ stdout: code.toUpperCase() }), { delay: "2s" })
 */
export function fake<I, O>(
  tool: ToolValue<I, O>,
  answer: FakeAnswer<NoInfer<I>, NoInfer<O>>,
  options: { delay?: Duration } = {},
): Fake {
  const delayMs = milliseconds(options.delay ?? 0, `fake of tool ${tool.name}, delay`);
  return { kind: "fake", tool, answer: answer as FakeAnswer<never, unknown>, delayMs };
}

/**
 * Answers one after the other, then the last one again and again.
 *
 * @example fake(python, inTurn(new Error("busy"), { stdout: "42" }))
 */
export function inTurn<O>(first: O | Error, ...rest: (O | Error)[]): () => O {
  const answers = [first, ...rest];
  let at = 0;
  return () => {
    const answer = answers[Math.min(at++, answers.length - 1)] as O | Error;
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

/** What a fake, or an answer of somebody outside, says to one input. @throws what it is to throw */
export async function answerTo(answer: FakeAnswer<never, unknown>, input: unknown) {
  if (answer instanceof Error) throw answer;
  return typeof answer === "function" ? await answer(input as never) : answer;
}

/** The tools of a simulated node, and how many calls they are working on. */
export interface FakeTools extends Tools {
  /** The process is gone with all calls under way: nobody knows what they have spent. */
  crashed(): void;
  /** Calls not answered yet. */
  readonly open: number;
  /** Those of them that wait for a fake's promise, so in real time. */
  readonly working: number;
}

/** What a host gives its fakes. */
export interface FakeHost {
  readonly fakes: readonly Fake[];
  /** The virtual clock. @unit ms */
  now(): number;
  /** Waits in virtual time. */
  wait(ms: number): Promise<void>;
  readonly policy?: Policy | null;
  /** Quotas that an actor stands under. @default its own */
  readonly accounts?: BrokerHost["accounts"];
  /** Told each call before it is made. */
  called?(tool: string, input: unknown): void;
}

const ownAccount: BrokerHost["accounts"] = (path, { quota: limits, durable }) =>
  limits === null ? [] : [{ path, limits, durable, spread: durable }];

function notFaked({ spec, tool }: ToolCall): ToolEnd {
  const cause = new ActorError("E_TOOL_DENIED", `there is no fake for tool ${tool.name}`, {
    at: `child ${spec.id}`,
    fix: `give one: fake(${tool.name}, { … })`,
  });
  return { tag: "denied", why: cause.message, tier: null, usage: NO_USAGE, cause };
}

/** Tools that answer what the fakes say; a tool without one is denied. */
export function fakeTools(host: FakeHost): FakeTools {
  const count = { open: 0, working: 0 };
  const run = async ({ answer, delayMs }: Fake, input: unknown) => {
    if (delayMs > 0) await host.wait(delayMs);
    count.working++;
    try {
      return await answerTo(answer, input);
    } finally {
      count.working--;
    }
  };
  const desk = new Desk({
    common: null,
    now: host.now,
    after: (ms, fire) => void host.wait(ms).then(fire),
    keep: () => false,
  });
  const broker = inlineTools({
    policy: null,
    random: () => 0.5,
    accounts: ownAccount,
    timed: true,
    ...host,
    desk: {
      enter: (entry, done) => desk.enter(entry, host, done),
      live: (id, accounts, over) => desk.live(id, accounts, host, over),
      withdraw: (id) => desk.withdraw(id),
      settle: (id, settled) => desk.settle(id, settled),
    },
  });
  return {
    live: broker.live,
    async call(call) {
      const { tool } = call;
      host.called?.(tool.name, call.input);
      const found = host.fakes.find((each) => each.tool.name === tool.name);
      if (found === undefined) return notFaked(call);
      const inline = { ...tool, sandbox: { tier: "inline" as const } };
      count.open++;
      try {
        const faked = { ...inline, run: (given: unknown) => run(found, given) };
        return await broker.call({ ...call, tool: faked });
      } finally {
        count.open--;
      }
    },
    crashed: () => desk.lost(host),
    get open() {
      return count.open;
    },
    get working() {
      return count.working;
    },
  };
}
