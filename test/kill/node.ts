// One life of the ledger, to be killed:  node.ts FOLDER. Told "check" by its parent, it brings all
// tokens to rest, reports what every agent holds and lets them go again; told "end", it stops.

import { start } from "coppice";
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

async function check(): Promise<void> {
  const all = agents();
  await Promise.all(all.map((each) => system.ask(each, "halt", {}, patient)));
  const look = () => Promise.all(all.map((each) => system.ask(each, "read", {}, patient)));
  const until = performance.now() + REST_MS;
  let states = await look();
  const held = () => states.reduce((sum, { held }) => sum + held.length, 0);
  while (held() < TOKENS && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    states = await look();
  }
  const { deadLetters } = await system.inspect.tree();
  tell({ kind: "checked", states, deadLetters, rested: held() >= TOKENS });
  await Promise.all(all.map((each) => system.ask(each, "go", {}, patient)));
}

process.on("message", (command: "check" | "end") => {
  if (command === "check") void check();
  else void system.stop().then(() => process.disconnect());
});
await system.ask(mint, "begin", {}, patient);
tell({ kind: "up" });
