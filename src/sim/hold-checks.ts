/**
 * Owns: checks about what incarnations hold: watches and timers.
 */
import type { Sight } from "./checkers.ts";
import type { SimEvent } from "./stream.ts";

interface Watch {
  readonly id: number;
  readonly path: string;
  readonly life: number;
  readonly to: string;
  /** Deaths of the watched path, and who lived there, when the watch was set. */
  readonly deaths: number;
  readonly target: number;
  over: "fired" | "cancelled" | null;
}

/** A watch fires at most once and never after it was cancelled; nothing of the dead comes later. */
export function watches({ chaos, census, fail }: Sight) {
  /** By path and number: an actor that moved has numbers that its new thread may give out too. */
  const all = new Map<string, Watch>();
  const nameOf = ({ path, key }: { path: string; key: number }) => `${path}#${key}`;
  const senders = new Map<number, number>();
  /** Actors that have no handler for the news. */
  const deaf = new Set<string>();
  /** Watcher's life + dead life: the watcher has been told of the death. */
  const told = new Set<string>();
  chaos.openWatches = () =>
    [...all.values()].flatMap(({ id, path, life, to, over }) =>
      over === null && census.isAlive(life) && !deaf.has(path) ? [{ id, path, to }] : [],
    );
  const fired = (event: Extract<SimEvent, { type: "enter" }>) => {
    const watch = all.get(nameOf(event));
    const what = `${event.path}: down ${event.key} of ${event.what}`;
    if (watch === undefined || watch.life !== event.life) return fail(`${what} was never watched`);
    if (watch.over !== null) return fail(`${what} comes when the watch was ${watch.over}`);
    watch.over = "fired";
    const one = (census.deaths.get(watch.to) ?? 0) === watch.deaths + 1 && watch.target !== 0;
    if (one) told.add(`${event.life}<${watch.target}`);
    if (one) chaos.marks.hit("down of the incarnation that was watched");
    else if (watch.target === 0) chaos.marks.hit("down of nobody");
  };
  return (event: SimEvent) => {
    if (event.type === "watched") {
      const { path, life, to, key } = event;
      const deaths = census.deaths.get(to) ?? 0;
      const target = census.living.get(to)?.life ?? 0;
      all.set(nameOf(event), { id: key, path, life, to, deaths, target, over: null });
    } else if (event.type === "unwatched") {
      const watch = all.get(nameOf(event));
      if (watch !== undefined && watch.over === null) watch.over = "cancelled";
    } else if (event.type === "dropped_notice") deaf.add(event.path);
    else if (event.type === "sent") senders.set(event.key, event.life);
    else if (event.type === "enter" && event.handler === "down") fired(event);
    else if (event.type === "enter" && event.handler === "mail") {
      const sender = senders.get(event.key);
      if (sender === undefined || !told.has(`${event.life}<${sender}`)) return;
      fail(`${event.path}: ${event.what} ${event.key} of ${sender} comes after news of its death`);
    }
  };
}

interface TimerFact {
  readonly path: string;
  readonly life: number;
  readonly when: string;
  readonly dueMs: number;
  fired: boolean;
  cancelled: boolean;
  /** An idle one: a message has come in between. */
  disturbed: boolean;
}

/** Timers of durable actors become mail, which outlives them; all others die with their life. */
export function timers({ chaos, fail }: Sight) {
  const all = new Map<number, TimerFact>();
  /** Next messages per life: those that queue, and before them those of the present handler. */
  const next = new Map<number, { queue: number[]; fresh: number[] }>();
  const idle = new Map<number, TimerFact>();
  const ticked = (event: Extract<SimEvent, { type: "enter" }>) => {
    const { path, life, key } = event;
    const timer = all.get(key);
    const what = `${path}: timer ${key}`;
    if (timer === undefined) return fail(`${what} was never set`);
    const durable = chaos.ledger.isDurable(path);
    // What a handler that failed has taken back stands again.
    const cancelled = durable ? chaos.ledger.timers.isDropped(key) : timer.cancelled;
    const fired = durable && chaos.ledger.timers.hasFired(key);
    if (cancelled && !fired) return fail(`${what} fires after it was cancelled`);
    if (chaos.world.nowMs < timer.dueMs) return fail(`${what} fires before ${timer.dueMs} ms`);
    if (durable) {
      if (timer.when === "delay" && !fired) fail(`${what} fires, but not from the store`);
      return;
    }
    if (timer.life !== life) fail(`${what} of life ${timer.life} fires in ${life}`);
    if (timer.fired) fail(`${what} fires twice`);
    if (timer.disturbed) fail(`${what}, an idle one, fires although a message came`);
    timer.fired = true;
  };
  const entered = (event: Extract<SimEvent, { type: "enter" }>) => {
    const { path, life, key, handler, what } = event;
    if (handler === "init" || handler === "terminate") return;
    // One that may have been set by an earlier run: it may be anywhere.
    if (all.get(key)?.when === "mail") return ticked(event);
    const ahead = next.get(life);
    if (ahead !== undefined) ahead.queue.unshift(...ahead.fresh.splice(0));
    const first = ahead?.queue.shift();
    if (first !== undefined && first !== key) {
      fail(`${path}: ${handler} ${what} ${key} comes before the next message ${first}`);
    }
    const resting = idle.get(life);
    if (resting !== undefined && first === undefined && all.get(key) !== resting) {
      resting.disturbed = true;
    }
    if (what === "tick") ticked(event);
  };
  return (event: SimEvent) => {
    if (event.type === "timer_set") {
      const { path, life, key, when, dueMs } = event;
      const flags = { fired: false, cancelled: false, disturbed: false };
      const timer: TimerFact = { path, life, when, dueMs, ...flags };
      all.set(key, timer);
      if (when === "idle") idle.set(life, timer);
      if (when === "next") {
        const ahead = next.get(life) ?? { queue: [], fresh: [] };
        next.set(life, ahead);
        ahead.fresh.push(key);
      }
    } else if (event.type === "timer_cancelled") {
      const timer = all.get(event.key);
      if (timer !== undefined) timer.cancelled = true;
    } else if (event.type === "enter") entered(event);
  };
}
