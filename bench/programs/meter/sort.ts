/** A heap sort written by hand and the built-in sort with a comparator. */
function sink(heap: Int32Array, from: number, size: number): void {
  let parent = from;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= size) return;
    if (child + 1 < size && (heap[child + 1] as number) > (heap[child] as number)) child++;
    if ((heap[parent] as number) >= (heap[child] as number)) return;
    const kept = heap[parent] as number;
    heap[parent] = heap[child] as number;
    heap[child] = kept;
    parent = child;
  }
}

function heapSort(heap: Int32Array): void {
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i, heap.length);
  for (let end = heap.length - 1; end > 0; end--) {
    const kept = heap[0] as number;
    heap[0] = heap[end] as number;
    heap[end] = kept;
    sink(heap, 0, end);
  }
}

export function run(n: number): number {
  let sum = 0;
  for (let round = 0; round < n; round++) {
    const numbers = Int32Array.from({ length: 5_000 }, (_, i) => (i * 7_919 + round) % 10_007);
    const plain = Array.from(numbers.subarray(0, 1_000));
    heapSort(numbers);
    plain.sort((a, b) => b - a);
    sum += (numbers[2_500] as number) + (plain[500] as number);
  }
  return sum;
}
