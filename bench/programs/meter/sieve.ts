/** Sieve of Eratosthenes. */
export function run(n: number): number {
  const limit = 20_000;
  let count = 0;
  for (let round = 0; round < n; round++) {
    const crossed = new Uint8Array(limit + 1);
    count = 0;
    for (let i = 2; i <= limit; i++) {
      if (crossed[i]) continue;
      count++;
      for (let j = i + i; j <= limit; j += i) crossed[j] = 1;
    }
  }
  return count;
}
