/**
 * Owns: what a program needs of a JavaScript peer, so that each program is written once for all of
 * them; and how a run is measured. Does not own: the peers (raw/, nact/, xstate/ runtime.ts).
 */
/** An actor as its peer knows it. */
export type Ref = object;
export type Typed = { readonly type: string };

export interface Runtime {
  /** A new actor. What it remembers is in variables of `receive`'s closure. */
  spawn<M extends Typed>(receive: (message: M, self: Ref) => void): Ref;
  send(to: Ref, message: Typed): void;
  /** Ends an actor; it may be the one that is running. */
  stop(actor: Ref): void;
}

export type Outcome = { n: number; seconds: number };
export type Program = (runtime: Runtime, n: number) => Promise<Outcome>;

/** Measures from `begin` until `done` has been called `actors` times. */
export function measured(n: number, begin: (done: () => void) => void, actors = 1) {
  return new Promise<Outcome>((resolve) => {
    let left = actors;
    const beganAt = performance.now();
    begin(() => {
      if (--left === 0) resolve({ n, seconds: (performance.now() - beganAt) / 1_000 });
    });
  });
}
