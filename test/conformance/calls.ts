// The administrative calls in short: t.admin(terminate("c1")).
import type { ChildSpec } from "../../src/actor/spec.ts";
import type { Answer } from "../../src/kernel/ports.ts";
import type { AdminRequest, AdminResult } from "../../src/kernel/supervision.ts";

export const start = (spec: ChildSpec): AdminRequest => ({ op: "start_child", spec });
export const make = (args?: unknown, id?: string): AdminRequest => ({
  op: "start_child",
  args,
  id,
});
export const restart = (id: string): AdminRequest => ({ op: "restart_child", id });
export const terminate = (id: string): AdminRequest => ({ op: "terminate_child", id });
export const remove = (id: string): AdminRequest => ({ op: "delete_child", id });
export const which = (id: string): AdminRequest => ({ op: "which_child", id });
export const specOf = (id: string): AdminRequest => ({ op: "get_childspec", id });

/** The result of a call, whether the supervisor gave it or the kernel for it. */
export const adminResult = (answer: Answer): AdminResult =>
  answer.ok ? (answer.value as AdminResult) : { error: answer.code as never };
