/** What agents do: score, filter, sort and group what a search found. */
interface Hit {
  readonly id: number;
  readonly title: string;
  readonly score: number;
  readonly source: string;
}

export function run(n: number): number {
  const sources = ["mail", "wiki", "code", "chat"];
  const hits: Hit[] = Array.from({ length: 300 }, (_, id) => ({
    id,
    title: `Document ${(id * 7_919) % 300} on trees`,
    score: ((id * 31) % 97) / 97,
    source: sources[id % 4] as string,
  }));
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const best = hits
      .filter((hit) => hit.score > 0.2 && hit.title.includes("1"))
      .map((hit) => ({ ...hit, score: hit.score * (hit.source === "wiki" ? 1.5 : 1) }))
      .sort((a, b) => b.score - a.score || a.id - b.id)
      .slice(0, 20);
    const groups = Map.groupBy(best, (hit) => hit.source);
    for (const [source, group] of groups) sum += source.length * group.length + (group[0]?.id ?? 0);
  }
  return sum % 1_000_003;
}
