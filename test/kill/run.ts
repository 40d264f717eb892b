/** `npm run kill`: the ledger under kill -9. One JSON line at the end; see conductor.ts. */
import { parseArgs } from "node:util";
import { isFlawless, killOften } from "./conductor.ts";
import type { KillStore } from "./moments.ts";

const HELP = `npm run kill -- [--store sqlite|redis] [--kills N] [--nodes M] [--idle MS] [--seed S]

Durable agents hand amounts on and act on a process outside, under a key each. Their process is ended
with SIGKILL: at a random moment, while it starts, and at each named crash point of the store. Of
several, one after the other is killed and replaced; once in ten kills one is stopped for longer than
its lease, and goes on. The last line is one JSON object; the exit status is 0 when nothing was lost
or doubled, else 1.

  --store     the store of the agents: sqlite (if not given), or a redis-server of its own
  --kills N   how often; 1 to 1000000 (100)
  --nodes M   processes at one time, on one Redis; 1 to 8 (1)
  --idle MS   agents that are idle for so long leave the memory (never)
  --seed S    of the moments and points; the machine's own timing is not repeated (1)
`;

class UsageError extends Error {}

function whole(
  name: string,
  text: string | undefined,
  otherwise: number,
  [min, max]: readonly [number, number],
): number {
  const value = text === undefined ? otherwise : Number(text);
  if (/^\d+$/.test(text ?? "0") && value >= min && value <= max) return value;
  throw new UsageError(
    `--${name} ${JSON.stringify(text)} is no whole number from ${min} to ${max}`,
  );
}

function wanted(args: string[]) {
  const text = { type: "string" } as const;
  const help = { type: "boolean", short: "h" } as const;
  const options = { store: text, kills: text, nodes: text, idle: text, seed: text, help };
  type Name = Exclude<keyof typeof options, "help">;
  let values: { [name in Name]?: string } & { help?: boolean };
  try {
    values = parseArgs({ args, options, strict: true }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { store = "sqlite" } = values;
  if (store !== "sqlite" && store !== "redis") {
    throw new UsageError(`--store ${JSON.stringify(store)}: there are sqlite and redis`);
  }
  const kills = whole("kills", values.kills, 100, [1, 1_000_000]);
  const nodes = whole("nodes", values.nodes, 1, [1, 8]);
  if (nodes > 1 && store === "sqlite") {
    throw new UsageError("--nodes: a data folder has one node; several need --store redis");
  }
  return {
    help: values.help ?? false,
    store: store as KillStore,
    kills,
    nodes,
    idleMs: values.idle === undefined ? null : whole("idle", values.idle, 0, [1, 60_000]),
    seed: whole("seed", values.seed, 1, [0, 1_000_000]),
  };
}

async function main(args: string[]): Promise<number> {
  const { help, ...options } = wanted(args);
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const interrupted = new AbortController();
  // Twice in a moment is one Ctrl-C that came two ways; the processes end with this one.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interrupted.abort());
  }
  const began = performance.now();
  const progress = (line: string) => {
    const seconds = Math.round((performance.now() - began) / 1_000);
    process.stderr.write(`${line}, ${seconds} s\n`);
  };
  const report = await killOften({ ...options, progress, signal: interrupted.signal });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (interrupted.signal.aborted) return 130;
  return isFlawless(report) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  const remedy = usage ? "\nRemedy: npm run kill -- --help" : "";
  process.stderr.write(`kill: ${usage ? error.message : (error as Error).stack}${remedy}\n`);
  process.exitCode = usage ? 2 : 1;
}
