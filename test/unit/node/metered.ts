// Modules as text, run by Node itself, with and without the meter.

import { installMeter } from "../../../src/node/meter.ts";
import { rewrite } from "../../../src/node/meter-rewrite.ts";

/** The counter of this process. No module is metered by the hook: the tests rewrite by hand. */
export const { meter } = installMeter({ onUnmetered: () => {}, meters: () => false });

export const free = () => meter.arm(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

export function rewritten(source: string): string {
  const result = rewrite(source);
  if (!result.ok) throw new Error(`${result.why}: ${result.detail}\n${source}`);
  return result.source;
}

type Exports = Record<string, (...args: unknown[]) => unknown>;

export function load(source: string): Promise<Exports> {
  return import(`data:text/javascript,${encodeURIComponent(source)}`);
}

export const loadMetered = (source: string) => load(rewritten(source));

/** What a call did: its value or what it threw. */
export function outcome(call: () => unknown): unknown {
  try {
    return { value: call() };
  } catch (thrown) {
    return { thrown: String(thrown) };
  }
}
