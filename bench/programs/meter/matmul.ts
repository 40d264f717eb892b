/** Product of square matrices: three loops inside each other. */
function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) {
        sum += (a[i * size + k] as number) * (b[k * size + j] as number);
      }
      out[i * size + j] = sum;
    }
  }
  return out;
}

export function run(n: number): number {
  const size = 64;
  const a = Float64Array.from({ length: size * size }, (_, i) => (i % 13) / 13);
  let b = Float64Array.from({ length: size * size }, (_, i) => (i % 7) / 100);
  for (let i = 0; i < n; i++) b = product(a, b, size).map((x) => x % 1);
  return b.reduce((sum, x) => sum + x, 0);
}
