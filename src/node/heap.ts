/**
 * Owns: what the actors of a thread may hold in its heap. V8 has a limit too, but an allocation that
 * goes far beyond it (a large array that doubles) ends the process and not the thread: so ours is
 * lower, and what a slice can allocate before it is aborted fits in between.
 * Does not own: replacing the thread (node.ts).
 */
import { Session } from "node:inspector";
import { getHeapStatistics } from "node:v8";

/** V8's limit is higher than ours by this. @unit MB */
export const HEAP_MARGIN_MB = 1_024;
/** Between two looks, and when the thread's heap does not change. @unit ms */
const LOOK_MS = 50;
const IDLE_MS = 200;
const MB = 1_048_576;

/** Our limit. @param bytes null: three quarters of V8's @unit bytes */
function limitOf(bytes: number | null): number {
  if (bytes !== null) return bytes;
  return (getHeapStatistics().heap_size_limit * 3) / 4;
}

/** What cannot be freed. @unit bytes @returns null when that cannot be found out */
function held(): number | null {
  try {
    const session = new Session();
    session.connect();
    session.post("HeapProfiler.collectGarbage");
    session.disconnect();
    return getHeapStatistics().used_heap_size;
  } catch {
    return null;
  }
}

/** @param bytes what may be held, null for the default @param lost ends the thread */
export function watchHeap(bytes: number | null, lost: (why: string) => void): void {
  const limit = limitOf(bytes);
  /** Most of what is used may be garbage: counted only beyond this, which moves with what was held. */
  let suspicious = limit;
  let before = 0;
  const check = (used: number) => {
    if (used <= suspicious) {
      if (used <= limit) suspicious = limit;
      return;
    }
    const kept = held();
    if (kept !== null && kept > limit) {
      lost(
        `out of memory: ${Math.ceil(kept / MB)} MB held, the limit is ${Math.floor(limit / MB)}`,
      );
    }
    suspicious = Math.max(limit, used + limit / 4);
  };
  const look = () => {
    const used = getHeapStatistics().used_heap_size;
    check(used);
    const still = Math.abs(used - before) < MB;
    before = used;
    setTimeout(look, still ? IDLE_MS : LOOK_MS).unref();
  };
  look();
}
