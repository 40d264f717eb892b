/** Owns: calls to a peer, as many under way as make it fastest. */

const UNDER_WAY = 256;

/** Makes n calls; a new one begins when one ends. */
export async function inFlight(n: number, call: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const line = async () => {
    while (next < n) await call(next++);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, line));
}
