/**
 * The handshake between a thread and its watcher, all interleavings of it: the real guard over memory
 * whose stores are seen late, the real watch looking in between. No run may be ended in our code.
 */
import { describe, expect, test } from "vitest";
import { BEATS, CELLS, Guard, HELD, RUN, SLICE_MS, WANTED } from "../../../src/kernel/guard.ts";
import { Watch } from "../../../src/node/watch.ts";

/** Ways to break the protocol on purpose. */
type Broken = "" | "no wait" | "no look at whose code it is" | "no look on the way out";

/** How often each thing may happen between two accesses of the thread, over one try. */
const BUDGET = { look: 1, pass: 3, drain: 1, swallow: 1, reply: 1 };
type Happening = keyof typeof BUDGET;

const GOES_ON = "a run that was ended goes on";

class Violation extends Error {}
/** The try need not go on. */
class Over extends Error {}

/** One try: what happens where is read from a list of choices. */
class Try {
  readonly memory = new Array<number>(CELLS).fill(0);
  readonly #late: [cell: number, value: number][] = [];
  readonly #left: Record<Happening, number>;
  readonly #broken: Broken;
  readonly #choose: (options: number) => number;
  readonly #watch: Watch;
  #nowMs = 0;
  /** Whose code is on top. */
  top: "ours" | "user" | "guard" = "ours";
  leaving = false;
  /** An end is under way and may land at any moment. */
  pending = 0;
  /** It has landed in a promise callback; the run goes on behind it. */
  swallowed = 0;
  replied = true;
  ends = 0;

  constructor(broken: Broken, choose: (options: number) => number) {
    this.#broken = broken;
    this.#choose = choose;
    // Who does not wait looks three times at one moment.
    this.#left = broken === "no wait" ? { ...BUDGET, look: 3, pass: 1 } : { ...BUDGET };
    const load = (cell: number) => {
      const value = this.memory[cell] as number;
      const blind = broken === "no look at whose code it is" && cell === RUN && value > 0;
      return blind ? (value - 1) | 1 : value;
    };
    const store = (cell: number, value: number) => {
      this.memory[cell] = value;
    };
    const limits = { momentMs: 0, graceMs: 1e6, hangMs: 1e6, abort: true };
    this.#watch = new Watch({ load, store }, limits);
  }

  /** The thread's own memory: its stores are seen by itself at once, by others later. */
  cells(): Int32Array {
    const at = (cell: number): number => {
      if (this.#broken === "no look on the way out" && cell === WANTED) return 0;
      const own = this.#late.findLast(([which]) => which === cell);
      return own === undefined ? (this.memory[cell] as number) : own[1];
    };
    return new Proxy([] as unknown as Int32Array, {
      get: (_, key) => {
        this.point();
        return at(Number(key));
      },
      set: (_, key, value: number) => {
        this.point();
        this.#late.push([Number(key), value]);
        return true;
      },
    });
  }

  /** Anything may happen before the thread does its next step. */
  point(): void {
    for (;;) {
      if (this.pending !== 0 && this.top === "ours")
        throw new Violation("an end landed in our code");
      const options = this.#options();
      const choice = this.#choose(options.length + 1);
      if (choice === 0) return;
      const happening = options[choice - 1] as Happening;
      this.#left[happening]--;
      this.#happen(happening);
    }
  }

  #options(): Happening[] {
    const options: Happening[] = [];
    const { look, pass, drain, swallow, reply } = this.#left;
    if (look > 0) options.push("look");
    if (pass > 0) options.push("pass");
    if (drain > 0 && this.#late.length > 0) options.push("drain");
    if (swallow > 0 && this.pending !== 0 && this.top === "user") options.push("swallow");
    if (reply > 0 && !this.replied) options.push("reply");
    return options;
  }

  #happen(happening: Happening): void {
    if (happening === "drain") this.#drain();
    else if (happening === "swallow") {
      this.swallowed = this.pending;
      this.pending = 0;
      this.replied = false;
    } else if (happening === "reply") {
      this.replied = true;
      this.#watch.landed(this.swallowed);
    } else {
      if (happening === "pass") this.pass();
      // Nobody waits: the watcher believes that it has waited, and nothing has become visible.
      else if (this.#broken === "no wait") this.#nowMs += 2;
      this.#look();
    }
  }

  /** Two milliseconds: whatever the thread has stored is visible after them. */
  pass(): void {
    this.#nowMs += 2;
    while (this.#late.length > 0) this.#drain();
  }

  #drain(): void {
    const [cell, value] = this.#late.shift() as [number, number];
    this.memory[cell] = value;
  }

  #look(): void {
    const move = this.#watch.look(this.#nowMs);
    if (move.do === "ask") this.#watch.asked(move.run);
    if (move.do !== "end") return;
    this.ends++;
    this.pending = move.run;
  }

  /** The thread holds still: only the watcher acts, until the end lands or is withdrawn. */
  hold(): never {
    const run = Math.abs(this.memory[WANTED] as number);
    for (let rounds = 0; rounds < 20 && this.pending === 0; rounds++) {
      this.pass();
      if (!this.replied) this.#happen("reply");
      if (this.leaving) (this.memory[HELD] as number)++;
      this.#look();
      const wanted = this.memory[WANTED] as number;
      const holds = wanted === run || (this.leaving && wanted === -run);
      // From a verb a run that has been ended goes on, to its own end.
      if (!holds && this.leaving && this.swallowed !== 0) throw new Violation(GOES_ON);
      if (!holds) throw new Over();
    }
    if (this.pending !== run) throw new Violation("a run that holds still is never ended");
    throw new Over();
  }
}

/** Two runs, the first with a verb in between. */
function program(attempt: Try): void {
  const guard = new Guard(attempt.cells(), undefined);
  const cell = { program: { sliceMs: 0 } } as never;
  const within = (top: "ours" | "user", step: () => void) => {
    attempt.top = "guard";
    step();
    attempt.top = top;
    attempt.point();
  };
  const leave = () => {
    attempt.leaving = true;
    guard.leave();
    attempt.leaving = false;
    if (attempt.swallowed !== 0) throw new Violation(GOES_ON);
  };
  within("user", () => guard.enter(cell));
  within("ours", () => guard.pause());
  within("user", () => guard.resume());
  within("ours", leave);
  within("user", () => guard.enter(cell));
}

/** Tries all orders of all that can happen. */
function explore(broken: Broken): { tries: number; ends: number; violations: Set<string> } {
  const choices: { taken: number; options: number }[] = [];
  const found = { tries: 0, ends: 0, violations: new Set<string>() };
  do {
    let at = 0;
    const attempt = new Try(broken, (options) => {
      choices[at] ??= { taken: 0, options };
      return (choices[at++] as { taken: number }).taken;
    });
    try {
      program(attempt);
    } catch (thrown) {
      // The guard's waiting loop asks real shared memory, which this is not: it has got there.
      const held = thrown instanceof TypeError;
      const over = held ? caught(() => attempt.hold()) : thrown;
      if (over instanceof Violation) found.violations.add(over.message);
      else if (!(over instanceof Over)) throw over;
    }
    found.tries++;
    found.ends += attempt.ends;
    choices.length = at;
    while (choices.length > 0) {
      const last = choices.at(-1) as { taken: number; options: number };
      if (++last.taken < last.options) break;
      choices.pop();
    }
  } while (choices.length > 0);
  return found;
}

function caught(act: () => never): unknown {
  try {
    return act();
  } catch (thrown) {
    return thrown;
  }
}

describe("every interleaving of a thread and its watcher", () => {
  test("no end lands in our code, and none is missed", () => {
    const { tries, ends, violations } = explore("");
    expect([...violations]).toEqual([]);
    expect(tries).toBeGreaterThan(10_000);
    expect(ends).toBeGreaterThan(1_000);
  });

  test.each(["no wait", "no look at whose code it is", "no look on the way out"] as const)(
    "the check sees a protocol with %s",
    (broken) => {
      expect(explore(broken).violations.size).toBeGreaterThan(0);
    },
  );
});

describe("one thread", () => {
  const limits = { momentMs: 5, graceMs: 100, hangMs: 200, abort: true };
  const memory = () => {
    const cells = new Int32Array(CELLS);
    const load = (cell: number) => cells[cell] as number;
    const store = (cell: number, value: number) => {
      cells[cell] = value;
    };
    return { cells, memory: { load, store } };
  };

  test("a run is ended after its limit, and the thread is given up after the grace", () => {
    const { cells, memory: of } = memory();
    const watch = new Watch(of, limits);
    cells[SLICE_MS] = 50;
    cells[RUN] = 7;
    expect(watch.look(0)).toEqual({ do: "nothing" });
    expect(watch.look(50)).toEqual({ do: "nothing" });
    expect(watch.look(51)).toEqual({ do: "ask", run: 7 });
    expect(watch.look(55)).toEqual({ do: "nothing" });
    watch.asked(7);
    expect(watch.look(56)).toEqual({ do: "nothing" });
    expect(watch.look(60)).toEqual({ do: "nothing" });
    expect(cells[WANTED]).toBe(0);
    expect(watch.look(61)).toEqual({ do: "nothing" });
    expect(cells[WANTED]).toBe(7);
    cells[RUN] = 8;
    expect(watch.look(62)).toEqual({ do: "nothing" });
    cells[RUN] = 7;
    expect(watch.look(63)).toEqual({ do: "end", run: 7 });
    expect(watch.look(151)).toEqual({ do: "nothing" });
    expect(watch.look(152)).toEqual({
      do: "replace",
      why: "a handler held it for more than 150 ms",
    });
  });

  test("a run that ends in time is let go", () => {
    const { cells, memory: of } = memory();
    const watch = new Watch(of, limits);
    cells[SLICE_MS] = 50;
    cells[RUN] = 7;
    watch.look(0);
    watch.look(60);
    cells[RUN] = 9;
    expect(watch.look(61)).toEqual({ do: "nothing" });
    expect(cells[WANTED]).toBe(0);
    expect(watch.look(111)).toEqual({ do: "nothing" });
    expect(watch.look(112)).toEqual({ do: "ask", run: 9 });
  });

  test("a pump that answers no ping costs the thread; one that is never asked does not", () => {
    const { cells, memory: of } = memory();
    const watch = new Watch(of, limits);
    watch.look(0);
    expect(watch.look(99)).toEqual({ do: "nothing" });
    expect(watch.look(5_000)).toEqual({ do: "ping" });
    expect(watch.look(5_200)).toEqual({ do: "nothing" });
    cells[BEATS] = 1;
    expect(watch.look(5_201)).toEqual({ do: "nothing" });
    expect(watch.look(5_301)).toEqual({ do: "ping" });
    expect(watch.look(5_502)).toMatchObject({ do: "replace" });
  });
});
