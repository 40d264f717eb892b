/**
 * Owns: having Node make what it makes at first use only, before any user code runs: an end that
 * lands while a global is being made leaves it undefined for the rest of the thread's life (seen with
 * `performance`, ADR 0004).
 * Does not own: when a run is ended (watch.ts).
 */

/**
 * Left out: storage would create files and warns, and what belongs to fetch takes 30 ms and 14 MB.
 * (Calling fetch is asynchronous: its making is over long before a slice is.)
 */
const LEFT_OUT =
  /Storage$|^(FormData|Headers|Request|Response|MessageEvent|WebSocket|EventSource|CloseEvent)$/;

/** Uses each global once: about 3 ms a thread. */
export function warm(): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (LEFT_OUT.test(name)) continue;
    try {
      void (globalThis as Record<string, unknown>)[name];
    } catch {
      // What cannot be read now cannot be read by anybody.
    }
  }
}
