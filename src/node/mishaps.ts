/**
 * Owns: what code on a scheduler thread must not do to others: end the process, or fail where
 * nobody catches it. Each is the exit of the actor that did it, else of the thread; never of the
 * process (SEMANTICS 30.4).
 * Does not own: ending an actor (kernel/aborting.ts), replacing a thread (node.ts).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { AnyBehaviour } from "../actor/actor.ts";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, ExitThrown, fromThrown } from "../actor/exit.ts";
import { blame, endCurrent } from "../kernel/aborting.ts";
import type { Cell } from "../kernel/cell.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** Whose handler began what runs now, over all its callbacks. */
const owner = new AsyncLocalStorage<Cell>();

const AsyncFunction = (async () => {}).constructor;

type Handler = (...args: unknown[]) => unknown;

/**
 * Lets failures of handlers be traced to actors. It costs about 50 ns a call, which is nothing to an async
 * handler and much to a plain one: plain ones are traced only on a thread whose predecessor was
 * lost by an untraced failure.
 */
export function trace(behaviours: Iterable<AnyBehaviour>, kernel: Kernel, all: boolean): void {
  const traced = (handler: Handler): Handler => {
    if (!all && !(handler instanceof AsyncFunction)) return handler;
    return (...args) => {
      const { current } = kernel.guard;
      return current === null ? handler(...args) : owner.run(current, handler, ...args);
    };
  };
  for (const { on } of behaviours) {
    if (Object.isFrozen(on)) continue;
    const handlers = on as Record<string, Handler>;
    for (const [type, handler] of Object.entries(handlers)) handlers[type] = traced(handler);
  }
}

/** The actor that what runs now belongs to, if that can be told. */
function culprit(kernel: Kernel): Cell | null {
  const cell = kernel.guard.current ?? owner.getStore() ?? null;
  return cell !== null && kernel.members.get(cell.path) === cell ? cell : null;
}

/** A failure of the runtime or its store: no actor is to blame, the thread cannot go on. */
function isOurs(thrown: unknown): boolean {
  return thrown instanceof ActorError && /^E_(INTERNAL|STORE_)/.test(thrown.code);
}

/** @param lost ends the thread, with a word why */
export function contain(kernel: Kernel, lost: (why: string, untraced: boolean) => never): void {
  const failed = (kind: string) => (thrown: unknown) => {
    const cell = isOurs(thrown) ? null : culprit(kernel);
    const reason = fromThrown(thrown);
    if (cell !== null) return blame(cell, reason);
    const what = reason.tag === "error" ? `${reason.name}: ${reason.message}` : reason.tag;
    lost(`${kind}: ${what}`, !isOurs(thrown));
  };
  process.on("unhandledRejection", failed("nobody handled a rejection"));
  process.on("uncaughtException", failed("nobody caught an error"));
  const ends = (name: string) => {
    return (...args: unknown[]): never => {
      const call = `process.${name}(${args.map(String).join(", ")})`;
      const { stack = "" } = new Error(call);
      const reason: ExitReason = { tag: "error", name: "ProcessExit", message: call, stack };
      if (endCurrent(kernel, reason)) throw new ExitThrown(reason, false);
      const cell = culprit(kernel);
      if (cell === null) lost(`${call} was called`, true);
      blame(cell as Cell, reason);
      throw new ExitThrown(reason, false);
    };
  };
  const { kill } = process;
  const self = new Set([process.pid, 0, -process.pid]);
  Object.assign(process, {
    exit: ends("exit"),
    abort: ends("abort"),
    kill: (pid: number, signal?: string | number) =>
      self.has(Number(pid)) && signal !== 0 ? ends("kill")(pid, signal) : kill(pid, signal),
  });
}
