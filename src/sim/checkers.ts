/**
 * Owns: what must be true at every moment of a chaos run: the table of all checks over the stream,
 * and those about lives and handlers. Names: S1–S12 of the chaos plan, K1–K14 of DESIGN §8.
 * Does not own: checks about messages, trees, watches and timers (…-checks.ts), and those at rest
 * (end-checks.ts).
 */
import { type Census, observeOrders } from "./census.ts";
import type { Chaos } from "./chaos.ts";
import { timers, watches } from "./hold-checks.ts";
import { answers, counted, fifo, noLoss, released } from "./message-checks.ts";
import { scout } from "./scout.ts";
import type { SimEvent } from "./stream.ts";
import { orders, orphans, restarts } from "./tree-checks.ts";

/** What a check may look at, and how it complains. */
export interface Sight {
  readonly chaos: Chaos;
  readonly census: Census;
  fail(detail: string): void;
}

/** A check: made once a run, told every event before the census knows it. */
export type Check = (sight: Sight) => (event: SimEvent) => void;

/** Every check over the stream, by its name. */
export const CHECKS: Readonly<Record<string, Check>> = {
  "S1 one live incarnation per path": oneIncarnation,
  "S2 one handler at a time": oneHandler,
  "S3 no effect of the dead": noEffectOfTheDead,
  "S4 start order and reverse stop order": orders,
  "S5 restarts in any window": restarts,
  "S6 a watch fires once, after the last message": watches,
  "S7 order per sender and receiver": fifo,
  "S8 no orphan": orphans,
  "S11 an ask ends once": answers,
  "D4 a delivery is counted before the handler": counted,
  "S3 a timer fires once, not early, for its own life": timers,
  "K3 no effect before its commit": released,
  "K8 accepted mail is handled or a dead letter": noLoss,
  "durable: who sleeps is kept": sleepersKept,
  "assertions of the kernel": assertions,
};

/** Sets all checks on a run. */
export function watchStream(chaos: Chaos): void {
  const { stream, census } = chaos;
  observeOrders(chaos.world.control, stream, chaos.ledger);
  const listeners = Object.entries(CHECKS).map(([name, check]) =>
    check({ chaos, census, fail: (detail) => stream.fail(name, detail) }),
  );
  const see = scout({ chaos, census });
  stream.listen((event) => {
    for (const listener of listeners) listener(event);
    see(event);
    census.update(event);
  });
}

function oneIncarnation({ census, fail }: Sight) {
  return (event: SimEvent) => {
    if (event.type !== "starting" && event.type !== "woken") return;
    const other = census.living.get(event.path);
    if (other !== undefined) fail(`${event.path}: ${event.life} begins while ${other.life} lives`);
  };
}

function oneHandler({ census, fail }: Sight) {
  return (event: SimEvent) => {
    if (event.type !== "enter") return;
    const { path, life, handler, what } = event;
    const resident = census.byLife.get(life);
    if (resident === undefined) return fail(`${path}: ${handler} ${what} runs in no live actor`);
    if (resident.handler === null) return;
    fail(`${path}: ${handler} ${what} begins before ${resident.handler} is over`);
  };
}

/** Also: a thread that is gone, or code that is left over, puts nothing into the world. */
function noEffectOfTheDead({ census, fail }: Sight) {
  return (event: SimEvent) => {
    if (event.type !== "acted" || census.isAlive(event.life)) return;
    fail(`${event.path}: ${event.verb} of the dead incarnation ${event.life} was let through`);
  };
}

/** Invariants that the kernel itself asserts, when they break inside of a handler. */
function assertions({ fail }: Sight) {
  return (event: SimEvent) => {
    if (event.type !== "exited") return;
    const { reason, path } = event;
    if (reason.tag !== "error" || reason.name === "Error" || reason.name === "Own") return;
    const own = ["ActorError", "OutsideError", "Signal", "Gone"].includes(reason.name);
    if (!own || /is broken|E_INTERNAL/.test(reason.message)) fail(`${path}: ${reason.message}`);
  };
}

/** Nobody has ended who has left the memory, unless somebody said so before it was back. */
function sleepersKept({ census, fail }: Sight) {
  return (event: SimEvent) => {
    if (event.type !== "forgotten" || !census.asleep.has(event.path)) return;
    if ([...census.ending.values()].includes(event.path) || census.told.has(event.path)) return;
    fail(`${event.path} was asleep, and is forgotten`);
  };
}
