// One life of the ledger, to be killed:  node.ts FOLDER. Told "check" by its parent, it brings all
// tokens to rest, reports what every agent holds and lets them go again; told "end", it stops.

import { ActorError, start } from "coppice";
import { agents, type LedgerState, mint, TOKENS } from "./ledger.ts";

export type FromNode =
  | { kind: "up" }
  | { kind: "checked"; states: LedgerState[]; deadLetters: number; rested: boolean };

const REST_MS = 60_000;

const tell = (message: FromNode) => process.send?.(message);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});

const [, , data = ""] = process.argv;
const system = await start(new URL("./ledger.ts", import.meta.url), {
  data,
  threads: 2,
  inspect: false,
  log: "error",
});
// A hundred messages at once, and a machine that may be busy: no answer is late here.
const patient = { timeout: "120s" } as const;

/** A node whose lease lapsed, on a busy machine, has nobody until it holds it again. */
async function surely<T>(question: () => Promise<T>): Promise<T> {
  const until = performance.now() + REST_MS;
  for (;;) {
    try {
      return await question();
    } catch (error) {
      const away = error instanceof ActorError && error.code === "no_actor";
      if (!away || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function check(): Promise<void> {
  const all = agents();
  const each = <T>(question: (agent: (typeof all)[number]) => Promise<T>) =>
    Promise.all(all.map((agent) => surely(() => question(agent))));
  await each((agent) => system.ask(agent, "halt", {}, patient));
  const look = () => each((agent) => system.ask(agent, "read", {}, patient));
  const until = performance.now() + REST_MS;
  let states = await look();
  const held = () => states.reduce((sum, { held }) => sum + held.length, 0);
  while (held() < TOKENS && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    states = await look();
  }
  const { deadLetters } = await system.inspect.tree();
  tell({ kind: "checked", states, deadLetters, rested: held() >= TOKENS });
  await each((agent) => system.ask(agent, "go", {}, patient));
}

process.on("message", (command: "check" | "end") => {
  if (command === "check") void check();
  else void system.stop().then(() => process.disconnect());
});
await surely(() => system.ask(mint, "begin", {}, patient));
tell({ kind: "up" });
