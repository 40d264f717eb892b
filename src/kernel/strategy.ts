/**
 * Owns: the pure decisions of supervision: what an exit means for its child (SEMANTICS 5), whom a
 * restart stops and starts and in which order (6), and the intensity window (7).
 * Does not own: carrying them out, or waiting for them (supervisor.ts).
 * Invariants: K9 (stop in reverse start order, start in start order), K10 (restarts in a window).
 */
import type { ExitReason } from "../actor/exit.ts";
import { isClean } from "../actor/exit.ts";
import type { AutoShutdown, ChildSpec, Restart, Strategy } from "../actor/spec.ts";

/** What becomes of a child that ended. */
export type Verdict = "restart" | "keep" | "remove";

/** The table of SEMANTICS 5. */
export function verdict(restart: Restart, reason: ExitReason): Verdict {
  if (restart === "permanent") return "restart";
  if (restart === "temporary") return "remove";
  return isClean(reason) ? "keep" : "restart";
}

/** Did somebody mean its end? Anything else has only kept it from starting. */
const wasMeant = (reason: ExitReason): boolean =>
  isClean(reason) ||
  reason.tag === "linked" ||
  (reason.tag === "killed" && reason.by !== "deadline");

/** Is the start of a child that was there before tried again? What a store has is not lost with a start. */
export function comesAgain(spec: ChildSpec, reason: ExitReason): boolean {
  if (verdict(spec.restart, reason) === "restart") return true;
  return spec.kind === "actor" && spec.durable && !wasMeant(reason);
}

/** Did it end because it runs on another node now? Then nobody meant its end. */
export function ousted(reason: ExitReason): boolean {
  return reason.tag === "fenced" || (reason.tag === "bad_start" && reason.code === "E_STORE_LEASE");
}

/** How restart times are compared: milliseconds, or OTP's truncated whole seconds (7.1–7.5). */
export type WindowUnit = "ms" | "seconds";

/** Restarts of the present period, oldest first. */
export class Window {
  readonly #times: number[] = [];
  /** Those before this place have dropped out; they go when they are the majority. */
  #from = 0;

  get length(): number {
    return this.#times.length - this.#from;
  }

  /** Drops what is older, adds one. */
  add(now: number, oldest: number): void {
    const times = this.#times;
    while (this.#from < times.length && (times[this.#from] as number) < oldest) this.#from++;
    if (this.#from > 64 && this.#from * 2 > times.length) {
      times.splice(0, this.#from);
      this.#from = 0;
    }
    times.push(now);
  }

  *[Symbol.iterator](): Generator<number> {
    for (let i = this.#from; i < this.#times.length; i++) yield this.#times[i] as number;
  }
}

/**
 * Counts a restart at `nowMs` in `window` (changed in place: old ones drop out, this one is added).
 *
 * @returns whether it is permitted: at most `intensity` restarts in one period
 */
export function countRestart(
  window: Window,
  nowMs: number,
  intensity: number,
  periodMs: number,
  unit: WindowUnit,
): boolean {
  const scale = unit === "seconds" ? 1_000 : 1;
  const now = Math.trunc(nowMs / scale);
  window.add(now, now - Math.trunc(periodMs / scale));
  return window.length <= intensity;
}

/** Anything in a group that knows whether it comes back. */
interface Member {
  readonly spec: { readonly restart: Restart };
}

/** Whom a restart stops, then starts, each list in the order of doing. */
export interface Plan<T> {
  readonly stop: readonly T[];
  readonly start: readonly T[];
}

/**
 * The plan of a restart because of `culprit`. A group start takes every spec of the group, also
 * those that were not running (6.4); temporary siblings are stopped and not started (6.5).
 *
 * @param all children in start order
 */
export function plan<T extends Member>(strategy: Strategy, all: readonly T[], culprit: T): Plan<T> {
  if (strategy === "one_for_one") return { stop: [], start: [culprit] };
  const from = strategy === "one_for_all" ? 0 : all.indexOf(culprit);
  const group = all.slice(from);
  return {
    stop: group.filter((each) => each !== culprit).reverse(),
    start: group.filter((each) => each === culprit || each.spec.restart !== "temporary"),
  };
}

/** Does the clean end of a significant child end its supervisor (11)? */
export function endsSupervisor(rule: AutoShutdown, othersActive: boolean): boolean {
  return rule === "any_significant" || (rule === "all_significant" && !othersActive);
}
