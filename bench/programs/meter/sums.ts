/** Sums over numbers and typed arrays: the tightest loops there are. */
export function run(n: number): number {
  const cells = new Float64Array(1_000);
  let sum = 0;
  for (let round = 0; round < n; round++) {
    for (let i = 0; i < cells.length; i++) cells[i] = i ^ round;
    for (let i = 0; i < cells.length; i++) sum = (sum + (cells[i] as number)) % 1_000_003;
  }
  return sum;
}
