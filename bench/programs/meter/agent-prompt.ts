/** What agents do: fill a prompt template and cut it to a length. */
const TEMPLATE = `You are {name}, a {role}. Answer in {language}.
Facts you may use:
{facts}
Question: {question}`;

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? "");
}

function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 1).trimEnd()}…`;
}

export function run(n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const facts = Array.from({ length: 12 }, (_, k) => `- fact ${k} about case ${i}`).join("\n");
    const question = `What follows from fact ${i % 12}, and why does it matter?`;
    const prompt = fill(TEMPLATE, {
      name: "Ada",
      role: "clerk",
      language: "English",
      facts,
      question,
    });
    sum = (sum + clip(prompt, 300).length) % 1_000_003;
  }
  return sum;
}
