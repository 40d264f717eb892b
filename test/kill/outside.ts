// The world outside, a process of its own that no kill reaches: counts what each hop did to it, once
// by key, and tells the conductor when a new process of the ledger has acted for the first time.
//
//   POST { token, hop, agent, key, boot }  →  1 if it has acted now, 0 if this key had before

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { acts } from "./ledger.ts";

export interface OutsideReport {
  /** Different keys. */
  readonly effects: number;
  /** The same key again: what it asked for had happened already, and did not happen twice. */
  readonly repeats: number;
  /** One hop under two keys: it happened twice. */
  readonly doubled: number;
  /** Hops that were passed over. */
  readonly lost: number;
  /** The last hop of each token. */
  readonly last: Record<number, number>;
}

export type FromOutside =
  | { kind: "port"; port: number }
  | { kind: "first"; boot: number }
  /** Each agent that acted last in this process has acted in another one; how many they were. */
  | { kind: "recovered"; boot: number; agents: number }
  | { kind: "placed"; agents: number }
  | { kind: "report"; report: OutsideReport };

export type ToOutside =
  | { ask: "report" }
  /** Who acted where does not count any more. */
  | { ask: "forget" }
  /** How many agents acted last in this process? */
  | { ask: "placed"; boot: number }
  /** This process is dead: its agents should act elsewhere. */
  | { ask: "dead"; boot: number };

interface Token {
  last: number;
  /** Keys of the latest hops: a process that was killed may still be heard a little later. */
  readonly keys: Map<number, string>;
}

/** Hops of a token whose keys are remembered; one that old cannot be under way any more. */
const REMEMBERED = 16;

const tokens = new Map<number, Token>();
const boots = new Set<number>();
/** Agent → the process it acted in last. */
const acted = new Map<string, number>();
/** Who is expected to act elsewhere, and how many they were. */
let missed: { boot: number; agents: Set<string>; count: number } | null = null;
let [effects, repeats, doubled, lost] = [0, 0, 0, 0];

const tell = (message: FromOutside) => process.send?.(message);

const nextAfter = (hop: number) => (acts(hop + 1) ? hop + 1 : hop + 2);

/** @returns whether it has acted now */
function record(number: number, hop: number, key: string): boolean {
  const token = tokens.get(number) ?? { last: 0, keys: new Map<number, string>() };
  tokens.set(number, token);
  const known = token.keys.get(hop);
  if (known === key) {
    repeats++;
    return false;
  }
  if (hop <= token.last) doubled++;
  else if (hop !== nextAfter(token.last)) lost++;
  effects++;
  token.keys.set(hop, key);
  token.last = Math.max(token.last, hop);
  for (const old of token.keys.keys()) {
    if (token.keys.size <= REMEMBERED) break;
    token.keys.delete(old);
  }
  return true;
}

function place(agent: string, boot: number): void {
  acted.set(agent, boot);
  if (boot === missed?.boot) missed.agents.add(agent);
  else missed?.agents.delete(agent);
  tellRecovered();
}

const agentsOf = (boot: number) =>
  new Set([...acted.keys()].filter((agent) => acted.get(agent) === boot));

function tellRecovered(): void {
  if (missed === null || missed.agents.size > 0) return;
  tell({ kind: "recovered", boot: missed.boot, agents: missed.count });
  missed = null;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { token, hop, agent, key, boot } = JSON.parse(text);
  const now = record(token, hop, key);
  place(agent, boot);
  if (!boots.has(boot)) tell({ kind: "first", boot });
  boots.add(boot);
  response.end(now ? "1" : "0");
}

const server = createServer((request, response) => {
  // A client killed in the middle of its request has not asked for anything.
  serve(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  tell({ kind: "port", port: (server.address() as AddressInfo).port });
});
process.on("message", (asked: ToOutside) => {
  if (asked.ask === "forget") return acted.clear();
  if (asked.ask === "placed") return tell({ kind: "placed", agents: agentsOf(asked.boot).size });
  if (asked.ask === "dead") {
    const { boot } = asked;
    const agents = agentsOf(boot);
    missed = { boot, agents, count: agents.size };
    return tellRecovered();
  }
  const last = Object.fromEntries([...tokens].map(([token, { last }]) => [token, last]));
  tell({ kind: "report", report: { effects, repeats, doubled, lost, last } });
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group: the conductor decides.
process.on("SIGINT", () => {});
