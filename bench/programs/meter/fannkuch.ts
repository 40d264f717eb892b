/** Fannkuch: permutations and reversals of small arrays. */
function flips(perm: Int32Array, copy: Int32Array): number {
  for (let i = 0; i < perm.length; i++) copy[i] = perm[i] as number;
  let count = 0;
  for (let first = copy[0] as number; first !== 0; first = copy[0] as number) {
    let low = 0;
    let high = first;
    while (low < high) {
      const kept = copy[low] as number;
      copy[low++] = copy[high] as number;
      copy[high--] = kept;
    }
    count++;
  }
  return count;
}

function next(perm: Int32Array, counts: Int32Array): boolean {
  for (let r = 1; r < perm.length; r++) {
    const first = perm[0] as number;
    for (let i = 0; i < r; i++) perm[i] = perm[i + 1] as number;
    perm[r] = first;
    const left = (counts[r] as number) - 1;
    counts[r] = left;
    if (left >= 0) return true;
    counts[r] = r;
  }
  return false;
}

export function run(n: number): number {
  const perm = Int32Array.from({ length: n }, (_, i) => i);
  const counts = Int32Array.from({ length: n }, (_, i) => i);
  const copy = new Int32Array(n);
  let most = 0;
  let sum = 0;
  let sign = 1;
  do {
    const count = flips(perm, copy);
    if (count > most) most = count;
    sum += sign * count;
    sign = -sign;
  } while (next(perm, counts));
  return sum * 100 + most;
}
