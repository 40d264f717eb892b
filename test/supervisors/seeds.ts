// Runs a case under several seeds, and says under which one it failed.
const SEEDS = 20;

/** The case under seeds 1 … 20. */
export async function everySeed(run: (seed: number) => Promise<void>, seeds = SEEDS) {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await run(seed);
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
}
