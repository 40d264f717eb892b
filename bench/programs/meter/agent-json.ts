/** What agents do: a conversation goes to JSON and back. */
interface Turn {
  role: string;
  text: string;
  tokens: number;
}

export function run(n: number): number {
  let sum = 0;
  let turns: Turn[] = Array.from({ length: 40 }, (_, i) => ({
    role: i % 2 ? "assistant" : "user",
    text: `Message ${i} of a conversation about coppicing, with some more words to carry along.`,
    tokens: i * 7,
  }));
  for (let i = 0; i < n; i++) {
    const text = JSON.stringify({ turns, at: i });
    turns = (JSON.parse(text) as { turns: Turn[] }).turns;
    for (const turn of turns) sum += turn.tokens;
    sum = (sum + text.length) % 1_000_003;
  }
  return sum;
}
