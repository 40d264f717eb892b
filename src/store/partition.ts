/**
 * Owns: which partition an actor is in, and which node should hold a partition: pure.
 * Does not own: who does hold it (redis-leases.ts).
 *
 * Children of a dynamic supervisor are spread, each with all that is under it. Everything else, the
 * trunk of the tree, is together in partition 0: its strategies hold among its members.
 */

/** What stands still in an app's tree, as far as partitions depend on it: data for any thread. */
export interface Spread {
  readonly partitions: number;
  /** Paths of the dynamic supervisors of the trunk; null = every path is on its own. */
  readonly dynamic: readonly string[] | null;
}

/** The partition of everything that is not under a dynamic supervisor. */
export const TRUNK = 0;

/** FNV-1a with a mixed end: its low bits alone are weak for short, similar paths. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Partition of a path. It must never change: stored actors lie where it says. */
export function partitionOf(path: string, { partitions, dynamic }: Spread): number {
  if (dynamic === null) return hash(path) % partitions;
  for (const supervisor of dynamic) {
    if (path.length <= supervisor.length + 1 || path[supervisor.length] !== "/") continue;
    if (!path.startsWith(supervisor)) continue;
    const end = path.indexOf("/", supervisor.length + 1);
    return hash(end < 0 ? path : path.slice(0, end)) % partitions;
  }
  return TRUNK;
}

/** Partitions whose actors a supervisor of this path may have as children; null = any. */
export function partitionOfChildren(path: string, spread: Spread): number | null {
  if (spread.dynamic === null || spread.dynamic.includes(path)) return null;
  return partitionOf(`${path}/-`, spread);
}

/**
 * Which of the nodes should hold a partition. Who comes takes an equal share from each of the
 * others, who goes leaves one to each; nothing else moves (rendezvous hashing).
 */
export function preferred(partition: number, nodes: readonly string[]): string | null {
  let best: string | null = null;
  let most = -1;
  for (const node of nodes) {
    const weight = hash(`${node}/${partition}`);
    if (weight > most || (weight === most && best !== null && node < best)) {
      best = node;
      most = weight;
    }
  }
  return best;
}
