/**
 * Owns: what a kernel asks of whoever runs tool calls, and what a call may ask of the kernel.
 * Does not own: running them (tool/broker.ts), asking for them (using.ts).
 */
import type { NearLimit } from "../actor/books.ts";
import type { ExitReason } from "../actor/exit.ts";
import type { Outcome } from "../actor/outcome.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { Fact } from "./events.ts";
import type { Answer } from "./ports.ts";

/** One tool call as its handler has asked for it. */
export interface ToolCall {
  readonly spec: ActorSpec;
  readonly path: string;
  readonly tool: AnyTool;
  readonly input: unknown;
  /** The same in every run of the message. */
  readonly key: string;
  /** Did an earlier run of the message release this call, and never record its answer? */
  readonly again: boolean;
  /** Fires when the actor has ended. */
  readonly signal: AbortSignal;
  /** Wants the output of a command while it is printed. */
  readonly output: ((chunk: { stream: "stdout" | "stderr"; text: string }) => void) | null;
  /** Asks an actor, in nobody's name. */
  readonly ask: (to: string, type: string, message: unknown, ms: number) => Promise<Answer>;
  /** What the actor has done since this was asked last. */
  readonly work: () => { readonly reductions: number; readonly steps: number };
  /** A quota is nearly used up. */
  readonly near: (near: NearLimit) => void;
  /** Makes a decision known. */
  readonly decided: (decision: Decided) => void;
}

/** A decision about a call: by the grants, the policy, or a person. */
export interface Decided {
  readonly decision: "allow" | "deny" | "ask";
  /** Of an `ask`: whom. */
  readonly why: string;
  readonly by: string;
}

/** How it ended; `cause`, when set, is the error the handler gets. */
export type ToolEnd = Outcome & {
  readonly cause?: unknown;
  /** A quota stood in the way: the actor exits with it. */
  readonly quota?: Overspent;
};

/** The exit of an actor that would spend more than its quota. */
export type Overspent = Required<Omit<Extract<ExitReason, { tag: "quota" }>, "tag">>;

/** A living actor, to whom its time is told. */
export interface Living {
  /** Fires when it ends. */
  readonly signal: () => AbortSignal;
  /** Its time is over. */
  readonly over: (quota: Overspent) => void;
}

/** Runs tool calls; answers through the promise, which does not reject. */
export interface Tools {
  call(call: ToolCall): Promise<ToolEnd>;
  /** An actor has started. Absent where no quota limits time. */
  readonly live?: ((path: string, spec: ActorSpec, living: Living) => void) | undefined;
  /** Keeps a decision, if there is a record of them. */
  readonly audit?: ((fact: Extract<Fact, { type: "decided" }>) => void) | undefined;
}
