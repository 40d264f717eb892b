/**
 * Owns: a call's way through the desk: what it may cost, waiting for its turn, the end of its time,
 * settling what it spent. Calls without limits and quotas do not come here at all.
 * Does not own: the desk (desk.ts), running (broker.ts).
 */
import { threadId } from "node:worker_threads";
import type { Account } from "../actor/accounts.ts";
import type { Amounts, Left, Refusal } from "../actor/books.ts";
import { ActorError } from "../actor/errors.ts";
import { NO_USAGE, neverStarted } from "../actor/outcome.ts";
import type { AnyTool, Spend } from "../actor/tool.ts";
import type { Living, ToolCall, ToolEnd } from "../kernel/tools.ts";
import type { Admission, Entry, Settled } from "./desk.ts";
import type { Wait } from "./policy.ts";

/** A desk, near or far. */
export interface DeskAccess {
  enter(entry: Entry, done: (admission: Admission) => void): void;
  /** An actor lives under limits of time: `over` is called when one has passed. */
  live(id: string, accounts: readonly Account[], over: (why: Refusal) => void): void;
  withdraw(id: string): void;
  settle(id: string, settled: Settled): void;
}

const wholes = ({ tokens = 0, microUsd = 0 }: Spend): Amounts => {
  const sound = (value: number) =>
    Number.isFinite(value) && value >= 0 ? Math.ceil(value) : Number.MAX_SAFE_INTEGER;
  return { tokens: sound(tokens), microUsd: sound(microUsd) };
};

type Work = "steps" | "reductions";

/** The most a call may cost. */
function mostOf(tool: AnyTool, input: unknown, work: Pick<Amounts, Work>): Amounts {
  const { sandbox, cost } = tool;
  const memoryBytes = sandbox.tier === "inline" ? 0 : sandbox.memoryBytes;
  const spend = cost === null ? {} : wholes(cost.most(input));
  return { ...spend, ...work, toolCalls: 1, memoryBytes };
}

/** What it did cost; null: nobody knows. What was reserved besides money and tokens is spent. */
function spentOf(tool: AnyTool, end: ToolEnd, input: unknown, most: Amounts): Amounts | null {
  const { cost } = tool;
  const { steps = 0, reductions = 0 } = most;
  const rest = { steps, toolCalls: 1, reductions };
  if (cost === null) return rest;
  try {
    if (end.tag === "ok") {
      return cost.spent === undefined ? null : { ...rest, ...wholes(cost.spent(end.value, input)) };
    }
    const said = (end.cause as { spent?: Spend } | undefined)?.spent;
    if (typeof said === "object" && said !== null) return { ...rest, ...wholes(said) };
  } catch {
    // A price that cannot be told is the highest.
  }
  return end.tag === "denied" || neverStarted(end) ? rest : null;
}

/** Did the tool work? null: its end says nothing about that. */
const worked = (end: ToolEnd): boolean | null => {
  if (end.tag === "ok") return true;
  if (end.tag === "denied") return null;
  const code = (end.cause as { code?: unknown } | undefined)?.code;
  return code === "E_MESSAGE_SCHEMA" || (end.tag === "killed" && end.limit === "owner")
    ? null
    : false;
};

const refused = (tool: AnyTool, why: string, overloaded: boolean): ToolEnd => {
  const code = overloaded ? "overloaded" : "E_TOOL_DENIED";
  const fix = overloaded ? "call it less often, or raise its maxQueue" : "try again later";
  const cause = new ActorError(code, `tool ${tool.name}: ${why}`, { fix });
  return { tag: "denied", why, tier: null, usage: NO_USAGE, cause };
};

const overspent = (tool: AnyTool, quota: NonNullable<ToolEnd["quota"]>): ToolEnd => {
  const { resource, used, limit, at } = quota;
  const why = `the quota of ${at} for ${resource} is used up: ${used} of ${limit}`;
  const cause = new ActorError("E_QUOTA", `tool ${tool.name}: ${why}`, {
    at,
    fix: "raise the quota, or let the agent do with less",
  });
  return { tag: "denied", why, tier: null, usage: NO_USAGE, cause, quota };
};

/** Nothing has run, and nobody has forbidden it. */
const unreached = (tool: AnyTool, why: string): ToolEnd => {
  const fact = `tool ${tool.name} did not run: the books of its quotas cannot be reached: ${why}`;
  const fix = "call it again later; coppice doctor shows what Redis says";
  const cause = new ActorError("E_STORE_REACH", fact, { fix });
  return { tag: "failed", code: null, why: cause.message, tier: null, usage: NO_USAGE, cause };
};

/** Waits for the desk's word. null: the actor has ended meanwhile. */
function enter(desk: DeskAccess, entry: Entry, signal: AbortSignal): Promise<Admission | null> {
  return new Promise((resolve) => {
    const gone = () => {
      desk.withdraw(entry.id);
      resolve(null);
    };
    desk.enter(entry, (admission) => {
      signal.removeEventListener("abort", gone);
      resolve(admission);
    });
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone, { once: true });
  });
}

/** Calls of this thread. An actor that comes back on another one must not have an id twice. */
let last = 0;

/** Minds the time of an actor, as long as it lives. */
export function minding(
  desk: DeskAccess,
  accounts: readonly Account[],
  path: string,
  { signal, over }: Living,
): void {
  const timed = accounts.filter(({ limits }) => limits.wallMs !== undefined);
  if (timed.length === 0) return;
  const id = `${path}!${threadId}.${++last}`;
  desk.live(id, timed, ({ path: at, ...why }) => over({ ...why, at }));
  signal().addEventListener("abort", () => desk.withdraw(id), { once: true });
}

/**
 * Runs a call when it may run, and settles it. @param run is given a signal that fires also when the
 * time of a quota is over
 */
export async function passing(
  desk: DeskAccess,
  accounts: readonly Account[],
  call: ToolCall,
  input: unknown,
  wait: Wait,
  run: (call: ToolCall) => Promise<ToolEnd>,
): Promise<ToolEnd> {
  const { tool, signal } = call;
  const id = `${call.key}~${threadId}.${++last}`;
  const amounts = mostOf(tool, input, call.work());
  const entry = { id, tool: tool.name, limits: tool.limits, accounts, amounts };
  const admission = await enter(desk, entry, signal);
  if (admission === null) {
    const why = "its actor has ended";
    return { tag: "killed", limit: "owner", why, tier: null, usage: NO_USAGE };
  }
  if (admission.say === "no") return refused(tool, admission.why, admission.overloaded);
  if (admission.say === "away") return unreached(tool, admission.why);
  if (admission.say === "quota") {
    const { path: at, ...refusal } = admission.refusal;
    return overspent(tool, { ...refusal, at });
  }
  for (const each of admission.near) call.near(each);
  // Also what goes on after its time is over settles when it ends.
  const settling = async (each: ToolCall) => {
    const end = await run(each);
    desk.settle(id, { ok: worked(end), spent: spentOf(tool, end, input, amounts) });
    return end;
  };
  const { left } = admission;
  return left === null ? settling(call) : within(left, call, wait, settling);
}

/** A call that ends with the time of a quota. */
async function within(
  { ms, path: at, limit }: Left,
  call: ToolCall,
  wait: Wait,
  run: (call: ToolCall) => Promise<ToolEnd>,
): Promise<ToolEnd> {
  const own = new AbortController();
  const over = Promise.withResolvers<ToolEnd>();
  const done = new AbortController();
  void wait(ms, done.signal).then(() => {
    if (done.signal.aborted) return;
    over.resolve(overspent(call.tool, { resource: "wallMs", limit, used: limit, at }));
    own.abort(new Error("the time of its quota is over"));
  });
  const follow = () => own.abort(call.signal.reason);
  call.signal.addEventListener("abort", follow, { once: true });
  try {
    return await Promise.race([run({ ...call, signal: own.signal }), over.promise]);
  } finally {
    done.abort();
    call.signal.removeEventListener("abort", follow);
  }
}
