/**
 * Owns: which faults a simulated run has, swarm style: each fault point is on in a quarter of all
 * runs and then fires with a chance of 1–25 %, so that runs differ in kind and not only in luck.
 * Does not own: what a fault does (workload.ts, chaos.ts).
 */

/** Every fault point, with what happens there. */
export const FAULTS = {
  "throw in init": "an actor's init throws",
  "hang in init": "an actor's init waits for an outside answer",
  "throw in handler": "a handler throws between two of its instructions",
  "reject later": "a handler rejects after it has waited",
  "never settle": "an outside answer comes only when the faults are over",
  "throw in terminate": "the last words throw",
  "hang in terminate": "the last words wait for an outside answer",
  "poison message": "a message makes its handler throw whenever it is handled",
  "exit normal": "a handler ends its actor with normal",
  "exit shutdown": "a handler ends its actor with shutdown",
  "exit error": "a handler ends its actor with an error",
  "act too late": "code that nobody waits for acts when its message is long finished",
  "outside fails": "an outside call is rejected",
  "kill actor": "an operator kills an actor at any macro step",
  "kill supervisor": "an operator kills a supervisor at any macro step",
  "shut down child": "an operator asks a process to end",
  "exit signal": "an exit signal of an arbitrary reason",
  "several deaths": "children die before their suspended supervisor runs",
  "suspend process": "an actor or supervisor is suspended for a while",
  "lose thread": "a thread is gone at any macro step",
  "stall thread": "a thread gets no turn for 0.1–10 s",
  "delay link": "what a thread sends is under way for 0.01–3 s",
  "delay store": "the store does not begin for 0.01–3 s",
  "delay answers": "the store's answers are late by 0.01–3 s",
  "move actor": "an actor is moved to another thread",
  "clock jump": "time goes on while there is work to do",
  "clock pause": "the machine sleeps for 30 s",
  "small mailbox": "an actor's mailbox holds a few messages only",
  "short start": "an actor must start within a moment",
  "store error before": "the store fails and nothing took effect: the thread that asked ends",
  "store error after": "all took effect, and the store fails before it answers: likewise",
} as const;

export type Fault = keyof typeof FAULTS;

const ON = 0.25;
const CHANCE_MIN = 0.01;
const CHANCE_MAX = 0.25;

/** The faults of one run. */
export class Faults {
  readonly #random: () => number;
  readonly #chances = new Map<Fault, number>();
  readonly fired = new Map<Fault, number>();
  #over = false;
  /** While it is set no fault happens: a tree that cannot even start would show little. */
  waiting = false;

  /** @param always these are on, with the highest chance */
  constructor(random: () => number, always: readonly Fault[] = []) {
    this.#random = random;
    for (const fault of Object.keys(FAULTS) as Fault[]) {
      const on = random() < ON;
      const chance = CHANCE_MIN + random() * (CHANCE_MAX - CHANCE_MIN);
      if (on) this.#chances.set(fault, chance);
    }
    for (const fault of always) this.#chances.set(fault, CHANCE_MAX);
  }

  /** The fault points of this run, with their chances. */
  get points(): ReadonlyMap<Fault, number> {
    return this.#chances;
  }

  /** Does the fault happen here and now? */
  fires(fault: Fault): boolean {
    const chance = this.#chances.get(fault);
    if (chance === undefined || this.#over || this.waiting || this.#random() >= chance)
      return false;
    this.fired.set(fault, (this.fired.get(fault) ?? 0) + 1);
    return true;
  }

  /** The liveness phase: no fault happens any more. */
  stop(): void {
    this.#over = true;
  }

  get over(): boolean {
    return this.#over;
  }
}
