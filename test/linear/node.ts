// One life of the app of app.ts, asked by its parent over IPC:  node.ts FOLDER
//
//   { id, kind, key, op }  →  { id, answer }, or { id } when nobody knows the outcome
//   { crash: thread }      →  that thread ends as if it had crashed

import { type System, start } from "coppice";
import { counterAt, names, queueAt } from "./app.ts";
import type { CounterOp, NameOp, QueueOp } from "./models.ts";

export type Asked =
  | { id: number; kind: "counter"; key: number; op: CounterOp }
  | { id: number; kind: "queue"; key: number; op: QueueOp }
  | { id: number; kind: "name"; key: number; op: NameOp };
export type ToLinear = Asked | { crash: number };
export type FromLinear = "up" | { id: number; answer?: unknown };

const PATIENT = { timeout: "60s" } as const;

async function perform(system: System, asked: Asked): Promise<unknown> {
  if (asked.kind === "counter") return system.ask(counterAt(asked.key), asked.op, {}, PATIENT);
  if (asked.kind === "queue") {
    const to = queueAt(asked.key);
    if (asked.op === "take") return system.ask(to, "take", {}, PATIENT);
    return system.ask(to, "put", { value: asked.op.put }, PATIENT);
  }
  const id = `name-${asked.key}`;
  if (asked.op === "register") {
    const result = await system.admin(names.path, { op: "start_child", id, args: undefined });
    if (!("error" in result)) return true;
    if (result.error === "already_started") return false;
    throw new Error(result.error);
  }
  if (asked.op === "unregister") {
    const result = await system.admin(names.path, { op: "terminate_child", id });
    // A name that was free and one that was given up already answer alike (SEMANTICS 10.7).
    if (!("error" in result) || result.error === "not_found") return null;
    throw new Error(result.error);
  }
  const result = await system.admin(names.path, { op: "which_children" });
  if ("error" in result) throw new Error(result.error);
  return JSON.stringify(result).includes(`"${id}"`);
}

const say = (message: FromLinear) => process.send?.(message);
process.on("disconnect", () => process.exit(0));

const [, , data = ""] = process.argv;
const app = new URL("./app.ts", import.meta.url);
const system = await start(app, { data, threads: 2, inspect: false, log: "silent" });
process.on("message", (message: ToLinear) => {
  if ("crash" in message) return void system.crashThread(message.crash);
  perform(system, message).then(
    (answer) => say({ id: message.id, answer }),
    () => say({ id: message.id }),
  );
});
say("up");
