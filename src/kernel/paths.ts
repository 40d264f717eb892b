/**
 * Owns: what a path says by itself: who the supervisor of an actor is.
 * Does not own: which thread a path is on (placement.ts).
 */

const SLASH = 47;

/** Path of the supervisor of whoever is at a path. */
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** Is the one the child of the other? Cheaper than asking for the parent, which is a text of its own. */
export function isChildOf(path: string, parent: string): boolean {
  const { length } = parent;
  return (
    path.charCodeAt(length) === SLASH &&
    path.indexOf("/", length + 1) === -1 &&
    path.startsWith(parent)
  );
}
