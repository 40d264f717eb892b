/**
 * Owns: that a call gets a machine whose guest answers. One that does not has run nothing of the call, so
 * another takes its place: a busy host is no fault of what is to run.
 * Does not own: how many machines there are (machine-pool.ts), the call (guest-call.ts).
 */
import type { Cut } from "./collect.ts";
import { FrameError } from "./frames.ts";
import { encodeSeed } from "./guest-call.ts";
import type { Machine } from "./machine.ts";
import type { Shape } from "./qemu.ts";
import type { Tell } from "./sandbox.ts";

/** A machine that is to begin answers within this, also on a host with much to do. @unit ms */
const READY_MS = 30_000;
/** Machines that are tried. */
const TRIES = 3;

export const OWNER_GONE: Cut = {
  ...{ tag: "killed", limit: "owner", why: "nobody wants its answer any more" },
};

/** Where machines come from. */
export interface MachineSource {
  /** @returns null when the signal fired first @throws Error */
  claim(shape: Shape, signal: AbortSignal): Promise<Machine | null>;
  release(machine: Machine): Promise<void>;
}

/** Seeds the machine. @throws Error it does not answer @throws FrameError it is hostile */
async function greet(machine: Machine, signal: AbortSignal, readyMs: number): Promise<void> {
  const { promise: dropped, reject } = Promise.withResolvers<never>();
  const drop = () => reject(new Error("nobody waits for it"));
  signal.addEventListener("abort", drop, { once: true });
  if (signal.aborted) drop();
  machine.together(() => {
    machine.send("S", encodeSeed());
    machine.send("P");
  });
  const answered = machine.expect("p", readyMs);
  try {
    await Promise.race([answered, dropped]);
  } finally {
    signal.removeEventListener("abort", drop);
    answered.catch(() => {}); // the race has told it, or nobody waits for it
  }
}

/**
 * A machine that was seeded and answers, or why there is none: nothing of the call has run then.
 *
 * @param tell hears of each machine that did not begin
 */
export async function begin(
  source: MachineSource,
  shape: Shape,
  signal: AbortSignal,
  tell: Tell,
  readyMs = READY_MS,
): Promise<Machine | Cut> {
  for (let left = TRIES - 1; ; left--) {
    let machine: Machine | null = null;
    try {
      machine = await source.claim(shape, signal);
      if (machine === null) return OWNER_GONE;
      await greet(machine, signal, readyMs);
      return machine;
    } catch (thrown) {
      if (machine !== null) await source.release(machine);
      if (thrown instanceof FrameError) return { tag: "hostile", why: thrown.message };
      if (signal.aborted) return OWNER_GONE;
      const why = (thrown as Error).message;
      const then = left === 0 ? "the call is given up" : "another is taken";
      tell(`a machine did not begin: ${why}; ${then}`);
      if (left === 0) return { tag: "absent", why: `none of ${TRIES} machines began: ${why}` };
    }
  }
}
