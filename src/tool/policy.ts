/**
 * Owns: one decision before a call runs: by the app's policy, and by the person it names. What fails
 * on the way is a denial.
 * Does not own: what policies are made of (actor/policy.ts), people (actor/human.ts), the record of
 * decisions (audit.ts).
 */
import { checkDecision, type Decision } from "../actor/decision.ts";
import type { Policy, PolicyCall } from "../actor/policy.ts";
import { milliseconds } from "../actor/units.ts";
import type { Decided, ToolCall } from "../kernel/tools.ts";

/** What a decision may come to. */
export type Verdict =
  | {
      readonly allow: true;
      /** A person has said so, and this is the first time that it is heard: it has never run. */
      readonly fresh: boolean;
    }
  | { readonly allow: false; readonly why: string };

/** The policy's word. A policy that throws, or says something else, denies. */
export function decide(policy: Policy, call: PolicyCall): Decision {
  try {
    const said: unknown = policy(call);
    checkDecision(said, "the policy");
    return said;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return { deny: `the policy failed: ${why}` };
  }
}

/** Waits, in the host's time; resolves early when the signal fires. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** Longest text of an input that a person is shown. @unit characters */
const SHOWN_MAX = 4_000;
/** How long a person has, unless the rule says so. @unit ms */
const WITHIN_MS = 7 * 86_400_000;
/** A person's actor is asked again after a quarter of a second, then ever more rarely. @unit ms */
const FIRST_MS = 250;
const LAST_MS = 10_000;
const ANSWER_MS = 5_000;

interface PersonSaid {
  readonly allow: boolean;
  readonly why: string;
  readonly by: string;
  readonly fresh: boolean;
}

function textOf(input: unknown): string {
  const text = JSON.stringify(input, (_key, each) =>
    typeof each === "bigint" ? `${each}n` : each,
  );
  if (text === undefined || text.length <= SHOWN_MAX) return text ?? "nothing";
  return `${text.slice(0, SHOWN_MAX)}… (${text.length} characters)`;
}

/**
 * Asks a person until they have answered. Not one long ask: it would end with the first crash on
 * either side, and this one may take weeks. The key is the same in every rerun of the caller.
 */
async function askPerson(
  call: ToolCall,
  who: string,
  ms: number,
  wait: Wait,
  now: () => number,
): Promise<PersonSaid> {
  const { key, path, tool, signal } = call;
  const question = { key, path, tool: tool.name, input: textOf(call.input) };
  const until = now() + ms;
  for (let pause = FIRST_MS; !signal.aborted; pause = Math.min(pause * 1.5, LAST_MS)) {
    const answer = await call.ask(who, "decide", question, ANSWER_MS);
    const said = answer.ok ? (answer.value as PersonSaid) : null;
    if (said !== null) return said;
    if (now() + pause > until) break;
    await wait(pause, signal);
  }
  // A durable actor comes back and asks the same again; of any other nobody is left to hear it.
  if (!signal.aborted || !call.spec.durable) void call.ask(who, "withdraw", { key }, 0);
  const why = signal.aborted ? "its actor has ended" : `nobody answered within ${ms} ms`;
  return { allow: false, why, by: who, fresh: true };
}

const plain = (why: string) => why.slice(0, SHOWN_MAX);

/** Decides about a granted call with a checked input. Each word is told to `call.decided`. */
export async function judge(
  policy: Policy,
  call: ToolCall,
  input: unknown,
  wait: Wait,
  now: () => number,
): Promise<Verdict> {
  const { path, tool } = call;
  const said = decide(policy, { path, tool: tool.name, tier: tool.sandbox.tier, input });
  const tell = (decision: Decided["decision"], why: string, by: string) =>
    call.decided({ decision, why: plain(why), by });
  if (said === "allow") {
    tell("allow", "", "policy");
    return { allow: true, fresh: false };
  }
  if ("deny" in said) {
    tell("deny", said.deny, "policy");
    return { allow: false, why: said.deny };
  }
  tell("ask", said.ask, "policy");
  const ms = said.within === undefined ? WITHIN_MS : milliseconds(said.within, "within");
  const answer = await askPerson({ ...call, input }, said.ask, ms, wait, now);
  tell(answer.allow ? "allow" : "deny", answer.why, answer.by);
  if (answer.allow) return { allow: true, fresh: answer.fresh };
  return { allow: false, why: `${answer.by}: ${answer.why}` };
}
