/** What a broker under test stands on: nothing around it but what a test gives. */
import type { ToolCall } from "../../../src/kernel/tools.ts";
import type { BrokerHost } from "../../../src/tool/broker.ts";
import { Desk, type DeskHost } from "../../../src/tool/desk.ts";

/** A desk in the same thread. */
export function nearDesk(host: Partial<DeskHost> = {}) {
  const after = (ms: number, fire: () => void) => void setTimeout(fire, ms);
  const desk = new Desk({ now: () => 0, after, keep: () => false, common: null, ...host });
  const access: BrokerHost["desk"] = {
    enter: (entry, done) => desk.enter(entry, access, done),
    live: (id, accounts, over) => desk.live(id, accounts, access, over),
    withdraw: (id) => desk.withdraw(id),
    settle: (id, settled) => desk.settle(id, settled),
  };
  return { desk, access };
}

/** A host without pool, sandboxes, policy and quotas. */
export const bareHost = (more: Partial<BrokerHost> = {}): BrokerHost => ({
  pool: null,
  sandbox: null,
  policy: null,
  now: () => 0,
  wait: async () => {},
  desk: nearDesk().access,
  accounts: () => [],
  timed: false,
  random: () => 0.5,
  ...more,
});

/** What a call is given besides its tool and input. */
export const callDefaults = (): Omit<ToolCall, "tool" | "input" | "spec"> => ({
  path: "/idle",
  key: "key",
  again: false,
  output: null,
  signal: new AbortController().signal,
  ask: () => new Promise<never>(() => {}),
  decided: () => {},
  work: () => ({ steps: 0, reductions: 0 }),
  near: () => {},
});
