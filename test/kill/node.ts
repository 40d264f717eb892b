// One life of the ledger, to be killed:  node.ts FOLDER. Told "check" by its parent, it brings all
// tokens to rest, reports what every agent holds and lets them go again; told "end", it stops.

import { ActorError, start } from "coppice";
import { AGENTS, agents, crowd, type LedgerState, mint, nameOf, TOKENS } from "./ledger.ts";

export type FromNode =
  | { kind: "up" }
  | { kind: "checked"; states: LedgerState[]; rested: boolean }
  /** After a check: all goes on. */
  | { kind: "gone" }
  /** `some`: the last ones since this process began, each with its reason. */
  | { kind: "letters"; count: number; some: string[] }
  /** So many agents have come back from the store only, since it was said last. */
  | { kind: "woken"; count: number };

/** For all tokens to come to rest, for an actor to be there, for an answer. @unit ms */
const REST_MS = 60_000;
/** How often it says how many have woken. @unit ms */
const SAY_MS = 200;
/** Dead letters that it can name. */
const LETTERS_MAX = 50;

const tell = (message: FromNode) => process.send?.(message);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});

const [, , data = ""] = process.argv;
let woken = 0;
const letters: string[] = [];
setInterval(() => {
  if (woken > 0) tell({ kind: "woken", count: woken });
  woken = 0;
}, SAY_MS).unref();
const system = await start(new URL("./ledger.ts", import.meta.url), {
  data,
  threads: 2,
  inspect: false,
  log: "error",
  onEvent: (event) => {
    if (event.type === "woken") woken++;
    if (event.type !== "dead_letter") return;
    const { path, message, from, reason } = event;
    letters.push(`dead letter: ${message} from ${from || "nobody"} to ${path}: ${reason}`);
    if (letters.length > LETTERS_MAX) letters.shift();
  },
});
// A hundred messages at once, and a machine that may be busy.
const patient = { timeout: "20s" } as const;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Who is away, or whose answer got lost with a node, is asked again; all questions here may be. */
const PASSING = new Set(["no_actor", "exited", "timeout"]);

async function surely<T>(question: () => Promise<T>): Promise<T> {
  const until = performance.now() + REST_MS;
  for (;;) {
    try {
      return await question();
    } catch (error) {
      const passes = error instanceof ActorError && PASSING.has(error.code);
      if (!passes || performance.now() > until) throw error;
      await pause(100);
    }
  }
}

/** Agents, then tokens, once in the life of a store; another node may do the same. */
async function begin(): Promise<void> {
  if (await surely(() => system.ask(mint, "begun", {}, patient))) return;
  for (let index = 0; index < AGENTS; index++) {
    await surely(() => system.start(crowd, { id: nameOf(index), args: {} })).catch((error) => {
      if (error.code !== "refused") throw error;
    });
  }
  await surely(() => system.ask(mint, "begin", {}, patient));
}

const all = agents();
const each = <T>(question: (agent: (typeof all)[number]) => Promise<T>) =>
  Promise.all(all.map((agent) => surely(() => question(agent))));

async function check(): Promise<void> {
  await each((agent) => system.ask(agent, "halt", {}, patient));
  const look = () => each((agent) => system.ask(agent, "read", {}, patient));
  const until = performance.now() + REST_MS;
  let states = await look();
  const held = () => states.reduce((sum, { held }) => sum + held.length, 0);
  while (held() < TOKENS && performance.now() < until) {
    await pause(20);
    states = await look();
  }
  tell({ kind: "checked", states, rested: held() >= TOKENS });
}

/** Tokens that came to rest move on. */
async function go(): Promise<void> {
  await each((agent) => system.ask(agent, "go", {}, patient));
  tell({ kind: "gone" });
}

async function tellLetters(): Promise<void> {
  const { deadLetters: count } = await system.inspect.tree();
  tell({ kind: "letters", count, some: letters });
}

process.on("message", (command: "check" | "go" | "letters" | "lose" | "end") => {
  if (command === "check") void check();
  else if (command === "go") void go();
  else if (command === "letters") void tellLetters();
  else if (command === "lose")
    system.tell({ ...mint, path: `${mint.path}-none` }, "begin" as never, {} as never);
  else void system.stop().then(() => process.disconnect());
});
await begin();
tell({ kind: "up" });
