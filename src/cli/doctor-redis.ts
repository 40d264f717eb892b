/**
 * Owns: what `coppice doctor` says of a Redis, and of the nodes that run on one.
 * Does not own: looking at it (store/redis-checkup.ts).
 */
import type { BudgetView, NodeEntry } from "../observe/inspect.ts";
import type { RedisCheckup } from "../store/redis-checkup.ts";
import { connect } from "./client.ts";
import type { Cell } from "./terminal.ts";

type Server = RedisCheckup["servers"][number];

/** A node that says nothing is not waited for. @unit ms */
const LOOK_MS = 3_000;

/** What is lost at worst of what it has answered. */
function loss({ appendonly, appendfsync }: Server): string {
  if (appendonly === null) return "it does not tell how it keeps data: ask its operator";
  if (appendonly !== "yes") return "appendonly no: its end takes everything since its last save";
  if (appendfsync === "always")
    return "appendfsync always: a power cut takes nothing it has answered";
  if (appendfsync === "everysec")
    return "appendfsync everysec: a power cut may take the last second";
  return `appendfsync ${appendfsync}: a power cut may take as much as its host had not written`;
}

function room({ maxmemory, maxmemoryPolicy, usedBytes }: Server): string {
  const used = `${Math.round(usedBytes / 1_048_576)} MB used`;
  if (maxmemory === null) return `${used}, it does not tell its limit`;
  if (maxmemory === 0) return `${used}, no limit`;
  return `${used} of ${Math.round(maxmemory / 1_048_576)} MB, when full: ${maxmemoryPolicy}`;
}

/** Rows for a checkup. */
export function redisRows({ at, servers, weak, wrong }: RedisCheckup): Cell[][] {
  const rows: Cell[][] = servers.flatMap((server): Cell[][] => {
    const { version, role, replicas } = server;
    const part = role === "slave" ? "a replica: it takes no commits" : role;
    return [
      ["redis", `${version} at ${at}, ${part}, ${replicas} replicas`],
      ["", loss(server)],
      ["", room(server)],
    ];
  });
  rows.push(...weak.map((fact): Cell[] => ["", `weak: ${fact}`]));
  if (wrong === null) return rows;
  const head = servers.length === 0 ? "redis" : "";
  rows.push([head, { text: `${at}: ${wrong.fact}`, style: "red" }], ["", `remedy: ${wrong.fix}`]);
  return rows;
}

/** The books of quotas, as a node reads them; "" = there are none. */
function books(budgets: readonly BudgetView[]): string {
  if (budgets.length === 0) return "";
  const rows = budgets.flatMap((each) => each.rows);
  const full = rows.filter(({ used, held, limit }) => used + held >= limit).length;
  return `; quotas: ${budgets.length}, ${full} of their limits used up`;
}

/** What a running node says of its Redis; null: it has none, or says nothing. */
export async function nodeOnRedis(entry: NodeEntry): Promise<string | null> {
  let late: ReturnType<typeof setTimeout> | undefined;
  const client = await connect(entry).catch(() => null);
  const silence = new Promise<null>((resolve) => {
    late = setTimeout(resolve, LOOK_MS, null);
  });
  try {
    const view = await Promise.race([client?.tree(0).catch(() => null) ?? null, silence]);
    const unread = (thrown: Error) => `; quotas: ${thrown.message}`;
    const quotas = Promise.race([client?.budgets(null).then(books, unread) ?? "", silence]);
    const cluster = view?.cluster ?? null;
    if (cluster === null) return null;
    const { node, held, partitions, members, trouble } = cluster;
    const others = `holds ${held.length} of ${partitions} partitions, ${members.length} nodes`;
    const last = trouble === null ? "" : `; last trouble, ${trouble.at}: ${trouble.why}`;
    return `redis: ${node} ${others}${last}${(await quotas) ?? "; quotas: no answer"}`;
  } finally {
    clearTimeout(late);
    client?.close();
  }
}
