/** The Mandelbrot set: floating point numbers in locals and an early exit. */
function steps(cx: number, cy: number): number {
  let x = 0;
  let y = 0;
  for (let step = 0; step < 200; step++) {
    const xx = x * x;
    const yy = y * y;
    if (xx + yy > 4) return step;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
  }
  return 200;
}

export function run(n: number): number {
  let sum = 0;
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      sum += steps((2.5 * column) / n - 1.8, (2.4 * row) / n - 1.2);
    }
  }
  return sum;
}
