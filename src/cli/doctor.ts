/**
 * Owns: `coppice doctor`: what this host offers, and which nodes run on it.
 * Does not own: what it says of a Redis (doctor-redis.ts).
 */

import { accessSync, constants, existsSync } from "node:fs";
import { Session } from "node:inspector";
import { arch, availableParallelism, platform, release, totalmem } from "node:os";
import { ActorError } from "../actor/errors.ts";
import { listNodes } from "../observe/inspect.ts";
import { checkRedis, type RedisCheckup } from "../store/redis-checkup.ts";
import { probeTiers } from "../tool/tiers.ts";
import type { Input, Run } from "./arguments.ts";
import { nodeOnRedis, redisRows } from "./doctor-redis.ts";
import { type Cell, table } from "./terminal.ts";
import { jsonText } from "./words.ts";

const NODE_MAJOR = 24;
const KVM = "/dev/kvm";

/** Is the door to hardware virtual machines there, and may we open it? */
function kvm(): "usable" | "no permission" | "absent" {
  if (!existsSync(KVM)) return "absent";
  try {
    accessSync(KVM, constants.R_OK | constants.W_OK);
    return "usable";
  } catch {
    return "no permission";
  }
}

/** Can a handler that hangs be ended alone? Else its thread is replaced (ADR 0004). */
function preemption(): "abort" | "replace" {
  if (process.env.COPPICE_PREEMPT === "replace") return "replace";
  try {
    const session = new Session();
    session.connect();
    session.disconnect();
    return "abort";
  } catch {
    return "replace";
  }
}

const PREEMPTION = {
  abort: "a handler that hangs is ended alone",
  replace: "a handler that hangs costs its thread: the inspector is forbidden or switched off",
};

/** The Redis that the command line names. @throws E_USAGE E_SPEC_RANGE E_PEER_MISSING */
async function redisOf(input: Input): Promise<RedisCheckup | null> {
  const url = input.values.get("redis");
  const cluster = input.flags.has("cluster");
  if (url !== undefined) return checkRedis(url, cluster);
  if (!cluster) return null;
  throw new ActorError("E_USAGE", "--cluster says how to look at a Redis, and none is named", {
    at: "doctor",
    fix: "add --redis URL",
  });
}

export const doctor: Run = async (input, io) => {
  const nodeFits = Number.parseInt(process.versions.node, 10) >= NODE_MAJOR;
  const report = {
    node: process.versions.node,
    nodeFits,
    platform: `${platform()} ${release()} ${arch()}`,
    threads: availableParallelism(),
    memoryMb: Math.round(totalmem() / 1_048_576),
    sqlite: process.versions.sqlite ?? null,
    kvm: kvm(),
    preemption: preemption(),
    tiers: await probeTiers(),
    redis: await redisOf(input),
    nodes: await listNodes(),
  };
  const status = nodeFits && report.sqlite !== null && !report.redis?.wrong ? 0 : 1;
  if (input.flags.has("json")) {
    io.out.write(jsonText(report));
    return status;
  }
  const bad = (text: string): Cell => ({ text, style: "red" });
  const rows: Cell[][] = [
    ["Node.js", nodeFits ? report.node : bad(`${report.node}, too old: ${NODE_MAJOR} is needed`)],
    ["platform", report.platform],
    ["threads", `${report.threads} (scheduler threads of a node, unless --threads says otherwise)`],
    ["memory", `${report.memoryMb} MB`],
    ["sqlite", report.sqlite ?? bad("absent: this Node.js has no node:sqlite")],
    [KVM, report.kvm === "usable" ? "may be opened; whether it runs guests: microvm" : report.kvm],
    ["hangs", PREEMPTION[report.preemption]],
    ...report.tiers.map((each): Cell[] => [
      each.tier,
      each.available ? each.what : bad(`none: ${each.why}`),
    ]),
    ...report.tiers.flatMap((each): Cell[][] =>
      each.available ? [] : [["", `for ${each.tier}: ${each.fix}`]],
    ),
    ...(report.redis === null ? [] : redisRows(report.redis)),
    ["nodes", report.nodes.length === 0 ? "none running" : `${report.nodes.length} running`],
  ];
  for (const entry of report.nodes) {
    const { pid, app, data, startedAt } = entry;
    rows.push(["", `pid ${pid}  ${app}  data ${data ?? "(in memory)"}  since ${startedAt}`]);
    const cluster = await nodeOnRedis(entry);
    if (cluster !== null) rows.push(["", cluster]);
  }
  io.out.write(
    table(rows, io)
      .map((line) => `${line}\n`)
      .join(""),
  );
  return status;
};
