/**
 * Owns: the world outside of the simulated node: answers that come when the run's driver says so,
 * late, never before the faults are over, as a failure, or after whoever asked has died.
 * Does not own: who asks (session.ts), when they are answered (chaos.ts).
 */
import type { Faults } from "./faults.ts";

interface Open {
  readonly value: number;
  readonly never: boolean;
  readonly fails: boolean;
  readonly settle: (answer: { ok: boolean; value: number }) => void;
}

/** What outside calls are rejected with. */
export class OutsideError extends Error {
  override readonly name = "OutsideError";
}

/** All outside calls of a run. */
export class Outside {
  readonly #faults: Faults;
  readonly #random: () => number;
  #open: Open[] = [];
  #next = 0;
  #loose = false;

  constructor(faults: Faults, random: () => number) {
    this.#faults = faults;
    this.#random = random;
  }

  /** Calls not answered yet. */
  get size(): number {
    return this.#open.length;
  }

  /** A call: resolves with a number that no other call gets. @throws OutsideError (rejects) */
  call(): Promise<number> {
    const value = ++this.#next;
    if (this.#faults.over) return Promise.resolve(value);
    const fails = this.#faults.fires("outside fails");
    const never = this.#faults.fires("never settle");
    return new Promise((resolve, reject) => {
      const settle = ({ ok }: { ok: boolean }) => {
        if (ok) resolve(value);
        else reject(new OutsideError(`call ${value} failed`));
      };
      this.#open.push({ value, never, fails, settle });
    });
  }

  /** A number as of a call that is answered at once. */
  immediate(): number {
    return ++this.#next;
  }

  /** Answers one call, or all in the liveness phase. @returns how many */
  answer(all: boolean): number {
    const ready = all ? this.#open : this.#open.filter((each) => !each.never);
    if (ready.length === 0) return 0;
    const one = ready[Math.floor(this.#random() * ready.length)] as Open;
    const answered = all ? ready : [one];
    this.#open = this.#open.filter((each) => !answered.includes(each));
    this.#loose = true;
    for (const { settle, fails, value } of answered) settle({ ok: !fails, value });
    return answered.length;
  }

  /** Has something been answered, so that promise callbacks must run? Asking clears it. */
  takeLoose(): boolean {
    const loose = this.#loose;
    this.#loose = false;
    return loose;
  }
}
