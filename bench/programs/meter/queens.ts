/** Eight queens and more by bit masks: backtracking. */
function place(row: number, left: number, right: number, all: number): number {
  if (row === all) return 1;
  let count = 0;
  let free = all & ~(row | left | right);
  while (free !== 0) {
    const bit = free & -free;
    free ^= bit;
    count += place(row | bit, (left | bit) << 1, (right | bit) >> 1, all);
  }
  return count;
}

export function run(n: number): number {
  return place(0, 0, 0, 2 ** n - 1);
}
