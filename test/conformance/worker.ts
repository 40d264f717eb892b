// The scriptable worker of the conformance cases: what a start does, how it stops, what it is told.
import { z } from "zod";
import { type AnyBehaviour, actor, IGNORE } from "../../src/actor/actor.ts";
import type { AnyContext } from "../../src/actor/context.ts";
import { type ExitReason, ExitThrown, formatReason, type Json } from "../../src/actor/exit.ts";
import { type Ask, ask } from "../../src/actor/protocol.ts";
import type { ActorSettings } from "../../src/actor/spec.ts";

export const NORMAL: ExitReason = { tag: "normal" };
/** `shutdown`, or `{shutdown, detail}`. */
export const shut = (detail?: Json): ExitReason =>
  detail === undefined ? { tag: "shutdown" } : { tag: "shutdown", detail };
export const err = (message = "boom"): ExitReason => ({ tag: "error", name: "Test", message });

/** What a start does: "hang" never ends, a number takes that many ms, a reason is its failure. */
export type Outcome = "ok" | "ignore" | "hang" | number | ExitReason | { throw: unknown };
export type Run = (ctx: AnyContext, state: unknown) => unknown;

/** What a worker understands; the verbs of the bench send it. */
export type WorkerMessages = {
  exit: z.ZodType<ExitReason>;
  crash: z.ZodUnknown;
  run: z.ZodType<Run>;
  eval: Ask<z.ZodType<Run>, z.ZodUnknown>;
  nap: z.ZodNumber;
};

export interface WorkerOptions extends ActorSettings {
  /** What the 1st, 2nd, … start at a path does; past the end `ok`. Or a function of its number. */
  script?: readonly Outcome[] | ((n: number, args: unknown, path: string) => Outcome);
  args?: unknown;
  /** First state. @default its args */
  state?: unknown;
  /** Has `terminate` run on a shutdown, and queues it behind mail. @default false, true with exit */
  trap?: boolean;
  /** What terminate does when somebody else stops this worker. */
  stop?: "stuck" | number | ExitReason | Run;
  /** Has an `exit` handler, so link exits are news (in `notices`), not the end. */
  exit?: boolean;
  /** Runs in init before the outcome. */
  init?: Run;
  view?: (state: unknown) => unknown;
}

/** Where workers report to. */
export interface Reports {
  readonly log: string[];
  readonly notices: string[];
  /** Number of starts at each path. */
  readonly starts: Map<string, number>;
  /** Paths of workers that have ended themselves. */
  readonly own: Set<string>;
}

/** A path as the cases write it. */
export const short = (path: string): string => (path === "/s" ? "s" : path.replace(/^\/s\//, ""));

/** Waits in a handler: virtual time. */
export const sleep = (ctx: AnyContext, ms: number): Promise<unknown> =>
  ctx.step("sleep", () => new Promise(() => {}), { timeout: ms }).catch(() => undefined);

/**
 * Messages: exit(reason), crash(thrown), run(fn), eval(fn), an ask for what fn returns, and nap(ms).
 * A store cannot keep functions: durable workers understand the others only.
 */
export function scripted(options: WorkerOptions, reports: Reports): AnyBehaviour {
  const { view, state } = options;
  const told = (kind: "down" | "exit") => {
    return (
      _s: unknown,
      { path, reason }: { path: string; reason: ExitReason },
      ctx: AnyContext,
    ) => {
      reports.notices.push(`${short(ctx.self.path)} ${kind} ${path} ${formatReason(reason)}`);
    };
  };
  return actor("worker", {
    args: z.unknown(),
    state: z.unknown(),
    messages: {
      exit: z.custom<ExitReason>(),
      crash: z.unknown(),
      run: z.custom<Run>(),
      eval: ask(z.custom<Run>(), z.unknown()),
      nap: z.number(),
    },
    init: async (args, ctx) => {
      const outcome = begin(options, reports, args, ctx);
      await options.init?.(ctx, state);
      if (outcome === "hang") await new Promise(() => {});
      if (typeof outcome === "number") await sleep(ctx, outcome);
      if (typeof outcome !== "object")
        return outcome === "ignore" ? IGNORE : (state ?? args ?? null);
      throw "throw" in outcome ? outcome.throw : new ExitThrown(outcome);
    },
    on: {
      exit: (_s, reason, ctx) => {
        reports.own.add(ctx.self.path);
        return ctx.exit(reason);
      },
      crash: (_s, thrown, ctx) => {
        reports.own.add(ctx.self.path);
        throw thrown;
      },
      run: (now, body, ctx) => body(ctx as AnyContext, now),
      eval: async (now, body, ctx) => ctx.reply((await body(ctx as AnyContext, now)) as never),
      nap: (_s, ms, ctx) => (ms === 0 ? 0 : sleep(ctx, ms).then(() => ms)),
    },
    down: told("down"),
    ...(options.exit ? { exit: told("exit") } : {}),
    ...(view ? { view } : {}),
    trapExit: options.trap ?? options.exit ?? false,
    terminate: (now, reason, ctx) => end(options, reports, now, reason, ctx),
  });
}

function begin(options: WorkerOptions, reports: Reports, args: unknown, ctx: AnyContext): Outcome {
  const { path } = ctx.self;
  const { script } = options;
  const n = (reports.starts.get(path) ?? 0) + 1;
  reports.starts.set(path, n);
  reports.own.delete(path);
  const outcome = (typeof script === "function" ? script(n, args, path) : script?.[n - 1]) ?? "ok";
  const how = typeof outcome === "object" ? " fails" : outcome === "ignore" ? " ignore" : "";
  reports.log.push(`start ${short(path)}${how}`);
  return outcome;
}

async function end(
  { stop }: WorkerOptions,
  reports: Reports,
  state: unknown,
  reason: ExitReason,
  ctx: AnyContext,
): Promise<void> {
  reports.log.push(`terminate ${short(ctx.self.path)} ${formatReason(reason)}`);
  if (reports.own.has(ctx.self.path) || stop === undefined) return;
  if (stop === "stuck") await new Promise(() => {});
  else if (typeof stop === "number") await sleep(ctx, stop);
  else if (typeof stop === "function") await stop(ctx, state);
  else throw new ExitThrown(stop as ExitReason);
}
