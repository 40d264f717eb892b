/**
 * Owns: the spend limits of an actor: what people write, and the same in plain units.
 * Does not own: metering; this version has none, so nothing ends because of a quota.
 */
import { settings } from "./settings.ts";
import { bytes, type Duration, milliseconds, type Size } from "./units.ts";

/** What an actor may spend in one life. What is not named is not limited. */
export interface Quota {
  reductions?: number;
  /** Of models. */
  tokens?: number;
  usd?: number;
  wall?: Duration;
  memory?: Size;
}

/** A {@link Quota} in plain units. */
export interface QuotaLimits {
  readonly reductions?: number;
  readonly tokens?: number;
  readonly usd?: number;
  readonly wallMs?: number;
  readonly memoryBytes?: number;
}

const USD_MAX = 1e9;

/** How each word of a quota is read. */
const READERS = {
  reductions: (value: number, at: string) => ({ reductions: count(value, "reductions", at) }),
  tokens: (value: number, at: string) => ({ tokens: count(value, "tokens", at) }),
  usd: (value: number, at: string) => {
    if (value >= 0 && value <= USD_MAX) return { usd: value };
    throw settings.outside("quota.usd", value, 0, USD_MAX, at);
  },
  wall: (value: Duration, at: string) => ({ wallMs: milliseconds(value, `${at}, quota.wall`) }),
  memory: (value: Size, at: string) => ({ memoryBytes: bytes(value, `${at}, quota.memory`) }),
};

type Word = keyof typeof READERS;

const WORDS = Object.keys(READERS) as [Word, ...Word[]];

const count = (value: number, name: string, at: string) =>
  settings.integer(value, 0, [0, Number.MAX_SAFE_INTEGER], `quota.${name}`, at);

/** Limits in plain units, or null. @throws E_SPEC_STRATEGY E_SPEC_RANGE E_UNITS */
export function readQuota(quota: Quota | undefined, at: string): QuotaLimits | null {
  if (quota === undefined) return null;
  let limits: QuotaLimits = {};
  for (const [name, value] of Object.entries(quota)) {
    const read = READERS[settings.word(name as Word, WORDS, "quota", at)];
    if (value !== undefined) limits = { ...limits, ...read(value as never, at) };
  }
  return Object.freeze(limits);
}
