/**
 * Owns: `coppice budget [add]`: the quotas of a node as a table, and raising one.
 * Does not own: the books (tool/ledger.ts), the units of a row (amounts.ts).
 */
import { userInfo } from "node:os";
import { ActorError } from "../actor/errors.ts";
import { type Quota, readQuota } from "../actor/quota.ts";
import type { BudgetView, RaiseRequest } from "../observe/inspect.ts";
import { amount, RESOURCES, usedUp } from "./amounts.ts";
import type { Input, Run } from "./arguments.ts";
import { withNode } from "./client.ts";
import { type Cell, table } from "./terminal.ts";
import { jsonText, printableLines } from "./words.ts";

const usage = (fact: string) =>
  new ActorError("E_USAGE", fact, { fix: "coppice help budget shows what it takes" });

const COUNTS = { usd: "usd", tokens: "tokens", "tool-calls": "toolCalls", steps: "steps" } as const;
const WORDS = { ...COUNTS, reductions: "reductions", wall: "wall", memory: "memory" } as const;

/** What the options add, in the units of the books. @throws E_USAGE E_SPEC_RANGE E_UNITS */
function moreOf(input: Input): RaiseRequest["more"] {
  const given = Object.entries(WORDS).flatMap(([option, word]) => {
    const text = input.values.get(option);
    if (text === undefined) return [];
    const plain = word === "wall" || word === "memory";
    return [[word, plain ? text : Number(text)] as const];
  });
  const limits = readQuota(Object.fromEntries(given) as Quota, "coppice budget add");
  const { soft: _, ...more } = limits ?? { soft: null };
  const amounts = Object.values(more);
  if (amounts.length === 0) throw usage("nothing is added: --usd, --tokens, …");
  if (amounts.some((each) => !(each > 0))) throw usage("what is added must be more than nothing");
  return more;
}

function rowsOf({ path, rows }: BudgetView): Cell[][] {
  return rows.map(({ resource, used, held, limit }, index): Cell[] => [
    index === 0 ? printableLines(path) : "",
    RESOURCES[resource] ?? resource,
    amount(resource, used),
    amount(resource, held),
    amount(resource, Math.max(limit - used - held, 0)),
    amount(resource, limit),
    usedUp(used + held, limit),
  ]);
}

const HEAD: Cell[] = ["PATH", "WHAT", "SPENT", "HELD", "LEFT", "LIMIT", ""];

export const budget: Run = async (input, io) => {
  const [first, second] = input.operands;
  const adds = first === "add";
  const path = adds ? second : first;
  if (adds && path === undefined) throw usage("budget add needs a path");
  if (!adds && second !== undefined) throw usage(`budget takes one path, not ${second}`);
  const more = adds ? moreOf(input) : null;
  const why = input.values.get("why") ?? "";
  const by = userInfo().username;
  const raise = more === null ? null : { path: path ?? "", more, why, by };
  const all = await withNode(input, io, (client) => client.budgets(raise));
  const found = all.filter(
    (each) => path === undefined || each.path === path || each.path.startsWith(`${path}/`),
  );
  if (input.flags.has("json")) io.out.write(jsonText(found));
  else if (found.length === 0) io.out.write("no quota\n");
  else for (const line of table([HEAD, ...found.flatMap(rowsOf)], io)) io.out.write(`${line}\n`);
  return 0;
};
