/**
 * Owns the layout of a treemap: weights become rectangles which fill an area and are as square as
 * they can be (Bruls, Huizing, van Wijk: "Squarified Treemaps"). It draws nothing.
 */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One rectangle per weight, in their order; weights are positive and the largest come first. */
export function squarify(weights: readonly number[], area: Rectangle): Rectangle[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = total === 0 ? 0 : (area.width * area.height) / total;
  const rectangles: Rectangle[] = [];
  let free = area;
  let next = 0;
  while (next < weights.length) {
    const side = Math.min(free.width, free.height);
    const row: number[] = [];
    for (const weight of weights.slice(next)) {
      const size = weight * scale;
      if (row.length > 0 && worst([...row, size], side) > worst(row, side)) break;
      row.push(size);
    }
    free = placeRow(row, free, rectangles);
    next += row.length;
  }
  return rectangles;
}

/** How far from square the worst of a row is which lies along a side. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, size) => total + size, 0);
  if (sum === 0 || side === 0) return Number.POSITIVE_INFINITY;
  const largest = (side * side * Math.max(...row)) / (sum * sum);
  const smallest = (sum * sum) / (side * side * Math.min(...row));
  return Math.max(largest, smallest);
}

/** Puts a row along the shorter side and returns what is still free. */
function placeRow(row: readonly number[], free: Rectangle, into: Rectangle[]): Rectangle {
  const sum = row.reduce((total, size) => total + size, 0);
  const { x, y, width, height } = free;
  const isColumn = width >= height;
  const depth = sum === 0 ? 0 : sum / (isColumn ? height : width);
  let at = 0;
  for (const size of row) {
    const length = depth === 0 ? 0 : size / depth;
    into.push(
      isColumn
        ? { x, y: y + at, width: depth, height: length }
        : { x: x + at, y, width: length, height: depth },
    );
    at += length;
  }
  return isColumn
    ? { x: x + depth, y, width: Math.max(0, width - depth), height }
    : { x, y: y + depth, width, height: Math.max(0, height - depth) };
}
