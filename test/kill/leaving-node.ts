// One life of the hotel of leaving.ts, asked by its parent:  leaving-node.ts FOLDER. Told
// { settle }, a guest comes and gets mail, with a message in flight; told { end }, it is ended
// for good; told { find }, it says what is left of it.

import { ActorError, start } from "coppice";
import { GUESTS, guestOf, type Whose } from "./leaving.ts";

export type ToHotel = { settle: Whose } | { end: Whose } | { find: Whose };
export type FromHotel =
  | { kind: "up" }
  | { kind: "settled" }
  | { kind: "ended" }
  /** Its notes, or null: there is nobody. */
  | { kind: "found"; notes: string[] | null };

const PATIENT = { timeout: "60s" } as const;
const tell = (message: FromHotel) => process.send?.(message);
process.on("disconnect", () => process.exit(0));

const [, , data = ""] = process.argv;
const app = new URL("./leaving.ts", import.meta.url);
const system = await start(app, { data, threads: 2, inspect: false, log: "error" });

async function settle(whose: Whose): Promise<void> {
  const { above, id } = GUESTS[whose];
  if (whose === "dynamic") await system.admin(above, { op: "start_child", id, args: undefined });
  const guest = guestOf(whose);
  await system.tell(guest, "note", "one", { stored: true });
  await system.ask(guest, "look", null, PATIENT);
  await system.tell(guest, "wait", "two", { stored: true });
  await system.tell(guest, "note", "three", { stored: true });
  tell({ kind: "settled" });
}

async function end(whose: Whose): Promise<void> {
  const { above, id, ops } = GUESTS[whose];
  for (const op of ops) {
    const answer = await system.admin(above, { op, id });
    if ("error" in answer) throw new Error(answer.error);
  }
  tell({ kind: "ended" });
}

async function find(whose: Whose): Promise<void> {
  const notes = await system.ask(guestOf(whose), "look", null, PATIENT).catch((error) => {
    if (error instanceof ActorError && error.code === "no_actor") return null;
    throw error;
  });
  tell({ kind: "found", notes });
}

process.on("message", (message: ToHotel) => {
  if ("settle" in message) void settle(message.settle);
  else if ("end" in message) void end(message.end);
  else void find(message.find);
});
tell({ kind: "up" });
