/**
 * Owns: the spend limits of an actor or a subtree: what people write, the same in plain units, and
 * which limits a path stands under. Does not own: keeping the books (tool/ledger.ts).
 */
import { ActorError, shown } from "./errors.ts";
import type { QuotaResource } from "./exit.ts";
import { onlyKnown } from "./names.ts";
import { settings } from "./settings.ts";
import { bytes, type Duration, milliseconds, type Size } from "./units.ts";

/**
 * What an actor, or all below a supervisor together, may spend. What is not named is not limited. It
 * counts for the path, over crashes and restarts; with a durable actor in it also over those of the
 * node. On Redis, one with durable actors or a dynamic supervisor below is one for all nodes. Who would
 * go over a limit exits with `quota` before anything is spent.
 */
export interface Quota {
  /** Messages, effects and metered work of one life. A supervisor's is counted with each tool call. */
  reductions?: number;
  /** Of models. */
  tokens?: number;
  /** Kept in whole millionths. */
  usd?: number;
  /** Tool calls and `ctx.step`s of one life. A supervisor's are counted with each tool call. */
  steps?: number;
  /** Attempts of retries count too. */
  toolCalls?: number;
  /** From the first start below. Then its actors end, also those that do nothing. */
  wall?: Duration;
  /**
   * Of all sandboxes and pool threads at a time: refused where no tool below has one. An actor's heap
   * cannot be measured; `placement: "own-thread"` with `threadHeap` limits that of a subtree.
   */
  memory?: Size;
  /**
   * When this part of a limit is reached, the actor whose call it was gets the message `tell`, if its
   * behaviour has it: `{ path, resource, used, limit }`. Once for each limit.
   * @default { at: 0.8, tell: "budget" }
   */
  soft?: { at?: number; tell?: string };
}

/** A {@link Quota} in plain units. */
export type QuotaLimits = { readonly [R in QuotaResource]?: number } & {
  readonly soft: { readonly at: number; readonly tell: string };
};

const USD_MAX = 1e9;

/** Dollars as whole millionths, rounded up: nobody spends half of one. @unit micro-USD */
export const microUsdOf = (usd: number): number => Math.ceil(Number((usd * 1e6).toFixed(6)));

const count = (name: string) => (value: number, at: string) =>
  settings.integer(value, 0, [0, Number.MAX_SAFE_INTEGER], `quota.${name}`, at);

function usdOf(value: number, at: string): number {
  if (typeof value === "number" && value >= 0 && value <= USD_MAX) return microUsdOf(value);
  throw settings.outside("quota.usd", value, 0, USD_MAX, at);
}

/** How each word of a quota is read, and the resource it limits. */
const READERS = {
  reductions: ["reductions", count("reductions")],
  tokens: ["tokens", count("tokens")],
  usd: ["microUsd", usdOf],
  steps: ["steps", count("steps")],
  toolCalls: ["toolCalls", count("toolCalls")],
  wall: ["wallMs", (value: Duration, at: string) => milliseconds(value, `${at}, quota.wall`)],
  memory: ["memoryBytes", (value: Size, at: string) => bytes(value, `${at}, quota.memory`)],
} as const satisfies Record<string, readonly [QuotaResource, (value: never, at: string) => number]>;

type Word = keyof typeof READERS;

const WORDS = Object.keys(READERS) as [Word, ...Word[]];

const SOFT = { at: true, tell: true } as const;

function readSoft(soft: Quota["soft"], at: string): QuotaLimits["soft"] {
  const { at: part = 0.8, tell = "budget" } = onlyKnown(soft, SOFT, `${at}, quota.soft`);
  if (typeof tell !== "string") {
    const fix = "give the type of a message";
    throw new ActorError("E_SPEC_STRATEGY", `quota.soft.tell: ${shown(tell)} is no text`, {
      at,
      fix,
    });
  }
  if (typeof part === "number" && part > 0 && part <= 1) return { at: part, tell };
  throw new ActorError("E_SPEC_RANGE", `quota.soft.at: ${shown(part)} is outside its limits`, {
    at,
    fix: "use a part of the limit: more than 0, at most 1",
  });
}

/** Limits in plain units, or null. @throws E_SPEC_STRATEGY E_SPEC_RANGE E_UNITS */
export function readQuota(quota: Quota | undefined, at: string): QuotaLimits | null {
  if (quota === undefined) return null;
  const { soft, ...rest } = quota;
  let limits: QuotaLimits = { soft: readSoft(soft, at) };
  for (const [name, value] of Object.entries(rest)) {
    const [resource, read] = READERS[settings.word(name as Word, WORDS, "quota", at)];
    if (value !== undefined) limits = { ...limits, [resource]: read(value as never, at) };
  }
  return Object.freeze(limits);
}
