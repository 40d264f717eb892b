/** What agents do: a plan of steps with dependencies, run in order, its log kept as text. */
interface Step {
  readonly name: string;
  readonly needs: readonly string[];
  readonly cost: number;
}

function order(steps: readonly Step[]): Step[] {
  const done = new Set<string>();
  const out: Step[] = [];
  while (out.length < steps.length) {
    const ready = steps.filter(
      ({ name, needs }) => !done.has(name) && needs.every((n) => done.has(n)),
    );
    for (const step of ready) {
      done.add(step.name);
      out.push(step);
    }
  }
  return out;
}

export function run(n: number): number {
  const steps: Step[] = Array.from({ length: 24 }, (_, i) => ({
    name: `step-${i}`,
    needs: [i - 3, i - 5].filter((k) => k >= 0).map((k) => `step-${k}`),
    cost: (i * 13) % 17,
  }));
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const log: string[] = [];
    let spent = 0;
    for (const { name, cost } of order(steps)) {
      spent += cost;
      log.push(`${name.padEnd(8)} cost ${cost.toFixed(2)} total ${spent}`);
    }
    sum = (sum + log.join("\n").length + spent) % 1_000_003;
  }
  return sum;
}
