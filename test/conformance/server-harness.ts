// What the cases of single actors need besides the bench: outcomes as text, durable nodes that are
// born again on the same store.
import type { AnyContext } from "../../src/actor/context.ts";
import { ActorError } from "../../src/actor/errors.ts";
import { formatReason } from "../../src/actor/exit.ts";
import type { DynamicRef } from "../../src/actor/protocol.ts";
import { type DynamicFlags, dynamic } from "../../src/actor/spec.ts";
import type { Answer } from "../../src/kernel/ports.ts";
import type { World } from "../../src/sim/world.ts";
import type { Engine } from "../../src/store/store.ts";
import { Bench, type Outcome, type WorkerMessages, type WorkerOptions } from "./harness.ts";

/** A failure as text: "timeout", or "exited: shutdown" when there is a reason. */
const failure = (code: string, reason: Parameters<typeof formatReason>[0] | undefined) =>
  reason === undefined ? code : `${code}: ${formatReason(reason)}`;

/** How a promise ends: its value, or its failure as text. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error instanceof ActorError ? failure(error.code, error.reason) : String(error);
  }
}

/** The same for an answer that arrived outside. */
export const told = (answer: Answer): unknown =>
  answer.ok ? answer.value : failure(answer.code, answer.reason);

/** Lives and asks of a node begin above those of the nodes before it. */
const GENERATION = 2_000;

/** A node on the store of earlier ones, as if their OS process had ended. */
export function reborn(
  engine: Engine,
  generation: number,
  options: ConstructorParameters<typeof Bench>[0] = {},
): Bench {
  const t = new Bench({ ...options, engine });
  for (const { kernel } of t.world.hosts) {
    for (let i = 0; i < generation * GENERATION; i++) {
      kernel.nextLife();
      kernel.nextId();
    }
  }
  return t;
}

/** Steps the world until `stop` says so. @throws when it comes to rest before */
export async function until(world: World, stop: () => boolean): Promise<void> {
  while (!stop()) {
    if (!world.step()) throw new Error("the world came to rest before that");
    if (world.takeLoose()) await world.drain();
  }
}

/** A tree of two: "starter", which traps exits, and the dynamic supervisor "d" of scripted workers. */
export async function withStarter(options: WorkerOptions = {}, flags: DynamicFlags = {}) {
  const t = new Bench();
  const script = options.script ?? ((_n: number, args: unknown) => (args as Outcome) ?? "ok");
  const of: WorkerOptions = { restart: "temporary", ...options, script };
  const d = dynamic("d", flags, t.behaviour(of), of);
  await t.sup({ intensity: 10 }, [t.w("starter", { exit: true }), d]);
  return t;
}

/** The dynamic supervisor of {@link withStarter}. */
export const D: DynamicRef<unknown, WorkerMessages> = { path: "/s/d", dynamic: "worker" };

/** Runs a body inside of a worker and waits, in virtual time, until it is over. */
export async function inside<T>(
  t: Bench,
  id: string,
  body: (ctx: AnyContext) => T | Promise<T>,
): Promise<T> {
  const got: { value?: T; over?: boolean } = {};
  await t.run(id, async (ctx) => {
    got.value = await body(ctx);
    got.over = true;
  });
  while (!got.over) {
    await t.settle();
    if (!got.over && !t.world.jump()) throw new Error("nobody goes on");
  }
  return got.value as T;
}
