/** String building and comparing: edit distances between words. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(
        (row[j - 1] as number) + 1,
        (above[j] as number) + 1,
        (above[j - 1] as number) + change,
      );
    }
    above = row;
  }
  return above[b.length] as number;
}

export function run(n: number): number {
  const words = ["coppice", "coppicing", "pollard", "stool", "standard", "underwood", "hazel"];
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let text = "";
    for (const word of words) text += word + i;
    for (const word of words) sum += distance(text, word);
  }
  return sum;
}
