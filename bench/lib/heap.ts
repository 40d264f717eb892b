/**
 * Owns: heap bytes per actor, of the isolate that asks, with the garbage collected before each look.
 * Does not own: making the actors.
 */
import { getHeapStatistics } from "node:v8";

function heapBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("run with --expose-gc: garbage is not heap in use");
  gc();
  gc();
  return getHeapStatistics().used_heap_size;
}

/** @param touch sends each actor one message and waits until all are handled */
export async function memoryFigures(
  n: number,
  make: () => void | Promise<void>,
  touch: () => Promise<void>,
) {
  const [empty, rss] = [heapBytes(), process.memoryUsage.rss()];
  const beganAt = performance.now();
  await make();
  const seconds = (performance.now() - beganAt) / 1_000;
  const never = heapBytes();
  const rssNever = process.memoryUsage.rss();
  await touch();
  const once = heapBytes();
  return {
    seconds,
    bytesNever: (never - empty) / n,
    bytesOnce: (once - empty) / n,
    bytesRss: (rssNever - rss) / n,
  };
}
