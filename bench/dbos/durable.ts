/**
 * Owns: the job of coppice/durable.ts for DBOS on PostgreSQL: n workflows of one step, 256 under way;
 * each adds one to its key's row. A step that a crash cuts off runs again. Does not own: the server.
 */
import { imported } from "../lib/fetched.ts";
import { inFlight } from "../lib/in-flight.ts";
import type { Outcome } from "../lib/outcome.ts";
import { COUNTERS } from "../lib/sizes.ts";

const { DBOS } = await imported("dbos", "@dbos-inc/dbos-sdk");
const { default: pg } = await imported("dbos", "pg");
const url = process.env.BENCH_POSTGRES as string;
const pool = new pg.Pool({ connectionString: url, max: 20 });
await pool.query("CREATE TABLE counter (key INTEGER PRIMARY KEY, count INTEGER NOT NULL)");
DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, logLevel: "error" });
const ADD = `INSERT INTO counter VALUES ($1, 1)
  ON CONFLICT (key) DO UPDATE SET count = counter.count + 1`;
const add = DBOS.registerWorkflow(
  (key: number) => DBOS.runStep(() => pool.query(ADD, [key]).then(() => null), { name: "add" }),
  { name: "add" },
);
await DBOS.launch();

export async function run(_: unknown, n: number): Promise<Outcome> {
  const beganAt = performance.now();
  await inFlight(n, (i) => add(i % COUNTERS));
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
