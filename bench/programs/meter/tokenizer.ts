/** A tokenizer and a small expression parser over a long text: character by character. */
const TEXT =
  "let total = (alpha + 42) * beta_2 - 7 / (gamma3 + 1000); if (total > 12) print(total);\n".repeat(
    40,
  );

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || code === 95;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function tokens(text: string): number {
  let at = 0;
  let count = 0;
  let hash = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 32 || code === 10) {
      at++;
      continue;
    }
    const from = at;
    if (isLetter(code)) {
      while (at < text.length && (isLetter(text.charCodeAt(at)) || isDigit(text.charCodeAt(at))))
        at++;
    } else if (isDigit(code)) {
      while (at < text.length && isDigit(text.charCodeAt(at))) at++;
    } else at++;
    for (let i = from; i < at; i++) hash = (hash * 33 + text.charCodeAt(i)) | 0;
    count++;
  }
  return (count ^ hash) >>> 0;
}

export function run(n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum + tokens(TEXT)) % 1_000_003;
  return sum;
}
