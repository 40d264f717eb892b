/**
 * Owns: what moving actors takes in a simulated node, and where an actor may be meanwhile.
 * Does not own: when somebody moves (havoc.ts).
 */
import type { MovingOptions } from "../kernel/ports.ts";
import type { World } from "./world.ts";

/** For the kernel of one thread, as it begins. */
export function movingIn(world: World, thread: number): MovingOptions {
  return {
    threads: world.options.threads,
    generation: world.losses[thread] ?? 0,
    losses: [...world.losses],
    onlookers: [],
    mayMove: (path) => world.places.isAlone(path),
    busy: () => 0,
  };
}

/** All threads that mail to this actor may be sent to now. */
export function placesOf(world: World, path: string): number[] {
  const away = world.hosts.map(({ kernel }) => kernel.moves.away.get(path)?.thread ?? -1);
  const all = [...away, world.threadOf(path), world.places.threadOf(path)];
  return [...new Set(all)].filter((thread) => thread >= 0);
}
