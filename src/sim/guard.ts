/**
 * Owns: making everything that would differ between two runs of one seed throw while a seed runs:
 * clocks, timers, chance. Does not own: what takes their place (world.ts, random.ts).
 */

/** Thrown where code under simulation reaches for the real world. */
export class RealWorldError extends Error {
  override readonly name = "RealWorldError";
  constructor(what: string) {
    super(`${what} was used in a simulation: take it from ctx, or from the kernel's options`);
  }
}

const TIMERS = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const;

type Holder = Record<string, unknown>;

/**
 * Forbids the real world. Nothing else of the process may run meanwhile: a seed drains promise
 * callbacks with ticks, which let no timer and no I/O in between.
 *
 * @returns how to permit it again
 */
export function forbidRealWorld(): () => void {
  const undo: (() => void)[] = [];
  const replace = (holder: object, name: string, what: string) => {
    const own = Object.getOwnPropertyDescriptor(holder, name);
    const value = () => {
      throw new RealWorldError(what);
    };
    Object.defineProperty(holder, name, { value, configurable: true, writable: true });
    undo.push(() => {
      if (own === undefined) delete (holder as Holder)[name];
      else Object.defineProperty(holder, name, own);
    });
  };
  for (const name of TIMERS) replace(globalThis, name, name);
  replace(Date, "now", "Date.now");
  replace(Math, "random", "Math.random");
  replace(performance, "now", "performance.now");
  replace(crypto, "randomUUID", "crypto.randomUUID");
  replace(crypto, "getRandomValues", "crypto.getRandomValues");
  const RealDate = globalThis.Date;
  globalThis.Date = new Proxy(RealDate, {
    construct(target, args, self) {
      if (args.length === 0) throw new RealWorldError("new Date()");
      return Reflect.construct(target, args, self);
    },
  });
  // The stacks of errors hold places of this checkout, and are slow to make.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  return () => {
    Error.stackTraceLimit = stackTraceLimit;
    globalThis.Date = RealDate;
    for (const each of undo) each();
  };
}
