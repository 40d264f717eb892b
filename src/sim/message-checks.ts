/**
 * Owns: checks about messages: order per pair, nothing invented, nothing lost, nothing released
 * before its commit, asks that end once.
 */
import { decode } from "../store/codec.ts";
import type { Sight } from "./checkers.ts";
import { placesOf } from "./moving.ts";
import type { SimEvent } from "./stream.ts";

type Sent = Extract<SimEvent, { type: "sent" }>;

/**
 * K7: keys rise in the order of sending, so per pair they must rise in the order of handling.
 * One case is let through: what a durable sender sent before the store knew the receiver got its
 * number late; if the receiver ends, its next life reads such mail behind what was sent later.
 */
export function fifo({ chaos, fail }: Sight) {
  const { ledger, stream } = chaos;
  const sent = new Map<number, Sent & { at: number }>();
  const pairs = new Map<string, { max: number; seen: Set<number> }>();
  return (event: SimEvent) => {
    if (event.type === "sent") {
      sent.set(event.key, { ...event, at: stream.count });
    }
    if (event.type !== "enter" || event.handler !== "mail" || event.what === "tick") return;
    const { key, path, what } = event;
    const from = sent.get(key);
    if (from === undefined) {
      // A question from outside is called, not sent.
      if (what !== "question") fail(`${path} handles ${what} ${key}, which nobody has sent`);
      return;
    }
    const name = `${from.life}>${path}`;
    const pair = pairs.get(name) ?? { max: 0, seen: new Set() };
    pairs.set(name, pair);
    const created = ledger.createdAt(path);
    const early =
      ledger.isDurable(from.path) && from.at < created.at && event.life !== created.life;
    if (key < pair.max && !pair.seen.has(key) && !early) {
      fail(`${path} handles ${what} ${key} of ${from.path} after its ${pair.max}`);
    }
    pair.max = Math.max(pair.max, key);
    pair.seen.add(key);
  };
}

/** What a durable actor sends arrives only when the store has it; what its init sends may. */
export function released({ chaos, census, fail }: Sight) {
  const held = new Map<number, string>();
  return (event: SimEvent) => {
    if (event.type === "sent" && chaos.ledger.isDurable(event.path)) {
      if (census.byLife.get(event.life)?.handler !== "init") held.set(event.key, event.path);
    } else if (event.type === "enter" && event.handler === "mail" && held.has(event.key)) {
      if (chaos.ledger.isReleased(event.key)) return;
      fail(`${event.path} handles ${event.key} of ${held.get(event.key)} before its commit`);
    }
  };
}

const read = (body: Uint8Array) => decode(body) as { key: number; again?: string };

/** D4: whoever handles what an earlier life has begun, has counted that in the store before. */
export function counted({ chaos, fail }: Sight) {
  const begun = new Map<number, number>();
  return (event: SimEvent) => {
    if (event.type !== "enter" || event.handler !== "mail") return;
    const { path, life, key } = event;
    if (!chaos.ledger.isDurable(path)) return;
    const before = begun.get(key);
    begun.set(key, life);
    // (What was sent twice may be new to an actor that was made anew.)
    const { ledger } = chaos;
    if (before === undefined || before === life || before < ledger.createdAt(path).life) return;
    const mail = ledger.mailOf(path).find(({ body }) => read(body).key === key);
    // (A timer that comes again says the same each time.)
    if (mail?.tries === 0 && read(mail.body).again === undefined) {
      fail(`${path}: ${key} of life ${before} is handled again, and not counted`);
    }
    chaos.marks.hit("a message was delivered again, and counted before");
  };
}

/** S11: an ask, or a call from outside, ends once, with an answer that somebody gave. */
export function answers({ chaos, census, fail }: Sight) {
  const pending = new Map<number, Sent>();
  const replied = new Set<number>();
  const called = new Map<number, string>();
  chaos.openAsks = () => [
    ...[...pending.values()]
      .filter(({ life }) => census.isAlive(life))
      .map(({ path, to, key }) => `${path} has asked ${to} (${key})`),
    ...[...called].map(([key, what]) => `${what} (${key}) was called from outside`),
  ];
  return (event: SimEvent) => {
    switch (event.type) {
      case "sent":
        if (event.ask) pending.set(event.key, event);
        return;
      case "acted":
        if (event.verb.endsWith("reply")) replied.add(event.key);
        return;
      case "answered": {
        const { path, key, how } = event;
        pending.delete(key);
        const [, answer] = how.split(" ").map(Number);
        if (answer === undefined || Number.isNaN(answer)) return;
        if (!replied.has(answer)) fail(`${path} got an answer to ${answer} that nobody gave`);
        if (answer !== key && !chaos.ledger.isDurable(path)) {
          fail(`${path} asked ${key} and got the answer to ${answer}`);
        }
        return;
      }
      case "called":
        called.set(event.key, `${event.what} of ${event.to}`);
        return;
      case "returned":
        if (!called.delete(event.key))
          fail(`the call ${event.key} from outside was answered twice`);
    }
  };
}

/** Where a message that is not durable may have gone. */
interface Trail {
  readonly to: string;
  readonly at: number;
  readonly threads: number[];
}

/** K8: told when all has ended, by {@link Chaos.unaccounted}. */
export function noLoss({ chaos }: Sight) {
  const trails = new Map<number, Trail>();
  const early = new Set<number>();
  const lostAt = new Map<number, number>();
  let now = 0;
  const arrived = (key: number) => {
    if (!trails.delete(key)) early.add(key);
  };
  chaos.unaccounted = () => {
    const silent: string[] = [];
    for (const [key, { to, at, threads }] of trails) {
      const gone = threads.some((thread) => (lostAt.get(thread) ?? -1) >= at);
      if (!gone) silent.push(`message ${key} to ${to}`);
    }
    return silent;
  };
  return (event: SimEvent) => {
    now++;
    const { ledger, world } = chaos;
    if (event.type === "lost") lostAt.set(event.lost, now);
    else if (event.type === "enter" && event.handler === "mail") arrived(event.key);
    else if (event.type === "moved") {
      for (const trail of trails.values()) {
        if (trail.to === event.path) trail.threads.push(event.thread);
      }
    } else if (event.type === "vanished") {
      for (const [key, { to }] of trails) if (to === event.path) trails.delete(key);
    } else if (event.type === "dead_letter") {
      const letter = world.hosts[event.thread]?.kernel.dead.list().at(-1);
      arrived((letter?.message as { key?: number } | null)?.key ?? 0);
    } else if (event.type === "sent" && !event.ask && !early.delete(event.key)) {
      const { path, to, key } = event;
      if (ledger.isDurable(to) || ledger.isDurable(path)) return;
      const threads = [...placesOf(world, to), path === "" ? 0 : world.threadOf(path)];
      // Lost, but the sender does not know yet.
      if (threads.some((thread) => world.links.isLost(thread))) return;
      trails.set(key, { to, at: now, threads });
    }
  };
}
