/** Counting in a Map and in a hand-written hash table. */
function builtIn(size: number): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < size; i++) {
    const key = (i * 2_654_435_761) % 997;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  let sum = 0;
  for (const [key, value] of counts) sum += key * value;
  return sum % 1_000_003;
}

function byHand(size: number): number {
  const keys = new Int32Array(2_048).fill(-1);
  const values = new Int32Array(2_048);
  for (let i = 0; i < size; i++) {
    const key = (i * 40_503) % 1_009;
    let slot = (key * 31) & 2_047;
    while (keys[slot] !== -1 && keys[slot] !== key) slot = (slot + 1) & 2_047;
    keys[slot] = key;
    values[slot] = (values[slot] as number) + 1;
  }
  let sum = 0;
  for (let i = 0; i < keys.length; i++) sum += (keys[i] as number) * (values[i] as number);
  return sum % 1_000_003;
}

export function run(n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += builtIn(2_000) + byHand(10_000);
  return sum;
}
