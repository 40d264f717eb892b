// One budget on several nodes: real processes, a real Redis, and kill -9.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Budget } from "../../src/actor/books.ts";
import { preferred } from "../../src/store/partition.ts";
import { CAP } from "./firm.ts";
import { type NodeProcess, serving, startNode } from "./node-process.ts";
import { whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const NAMES = Array.from({ length: 16 }, (_, n) => `a${n}`);
const PATIENT = { timeout: 120_000, interval: 200 } as const;

describe.skipIf(missing !== null)("a budget on several nodes", { timeout: 300_000 }, () => {
  const stage = serving();
  let folder = "";
  let prefixes = 0;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "coppice-firm-"));
    writeFileSync(join(folder, "world"), "");
    prefixes++;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const node = () => {
    const world = { WORLD: join(folder, "world"), COPPICE_DATA: folder };
    const env = { REDIS_URL: stage.server.url, REDIS_PREFIX: `firm${prefixes}`, ...world };
    return startNode(env, "firm-main.ts");
  };
  type Line = { began?: number; most?: number; cost?: number };
  const world = (): Line[] =>
    readFileSync(join(folder, "world"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const spent = () => world().reduce((sum, { cost = 0 }) => sum + cost, 0);
  const money = async (by: NodeProcess) => {
    const all = (await by.do({ do: "budgets" })) as Budget[];
    const firm = all.find(({ path }) => path === "/firm");
    const row = firm?.rows.find(({ resource }) => resource === "microUsd");
    return { used: row?.used, held: row?.held, limit: row?.limit };
  };
  const agentsOf = async (by: NodeProcess) => {
    const paths = (await by.do({ do: "awake" })) as string[];
    return paths.map((path) => path.slice("/firm/crew/".length));
  };
  /** Each partition is with the node that should have it. */
  const shared = async () => {
    const { client } = stage.server;
    const nodes = await client.zrange(`{firm${prefixes}}:nodes`, "0", "-1");
    const leases = Array.from({ length: 8 }, (_, n) => client.get(`{firm${prefixes}/${n}}:lease`));
    const holders = await Promise.all(leases);
    return nodes.length === 2 && holders.every((each, n) => each === preferred(n, nodes));
  };
  const two = async () => {
    const [first, second] = [await node(), await node()];
    await expect.poll(shared, PATIENT).toBe(true);
    for (const agent of NAMES) await first.insist({ do: "hire", agent });
    await expect
      .poll(async () => [...(await agentsOf(first)), ...(await agentsOf(second))].sort(), PATIENT)
      .toEqual([...NAMES].sort());
    await expect.poll(async () => (await agentsOf(second)).length, PATIENT).toBeGreaterThan(0);
    return [first, second] as const;
  };

  test("what calls of a killed node had held is spent, to the micro-dollar, once", async () => {
    const [first, second] = await two();
    const dying = await agentsOf(second);
    for (const agent of NAMES) {
      void first.do({ do: "go", agent, most: 10_007, cost: 3_001, hang: second.pid });
    }
    const done = 3_001 * (NAMES.length - dying.length);
    const lost = 10_007 * dying.length;
    const same = { used: done, held: lost, limit: CAP };
    await expect.poll(() => money(first), PATIENT).toEqual(same);
    expect(await money(second)).toEqual(same);
    await second.kill();
    // Its actors live on with the first, and hear that nobody knows: nothing is paid twice.
    const after = { used: done + lost, held: 0, limit: CAP };
    await expect.poll(() => money(first), PATIENT).toEqual(after);
    await expect.poll(() => agentsOf(first), PATIENT).toHaveLength(NAMES.length);
    const third = await node();
    expect(await money(third)).toEqual(after);
    expect(spent()).toBe(done);
    // A raised limit is raised for all.
    await third.do({ do: "add", path: "/firm", microUsd: 5 });
    expect(await money(first)).toEqual({ ...after, limit: CAP + 5 });
    await expect(third.do({ do: "add", path: "/firm/crew", microUsd: 5 })).rejects.toMatchObject({
      code: "E_QUOTA_UNHELD",
    });
  });

  test("all spend until nobody may; a node is killed meanwhile: never above the cap", async () => {
    const [first, second] = await two();
    let orders = 0;
    const storm = (by: NodeProcess, rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        for (const agent of NAMES) {
          const most = 1_000 + ((orders++ * 7_919) % 9_000);
          const cost = Math.floor(most * Math.random());
          void by.do({ do: "go", agent, most, cost, hang: 0 }).catch(() => {});
        }
      }
    };
    storm(first, 15);
    storm(second, 15);
    await expect.poll(spent, PATIENT).toBeGreaterThan(CAP / 8);
    await second.kill();
    const third = await node();
    const refused = () => [...first.said, ...third.said].filter((each) => each === "quota /firm");
    for (let round = 0; refused().length < 5 && round < 100; round++) {
      storm(third, 2);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { used = 0, held = 0 } = await money(third);
      expect(used + held).toBeLessThanOrEqual(CAP);
      expect(spent()).toBeLessThanOrEqual(CAP);
    }
    expect(refused().length).toBeGreaterThanOrEqual(5);
    await expect.poll(async () => (await money(first)).held, PATIENT).toBe(0);
    const { used = 0 } = await money(first);
    expect(used).toBeLessThanOrEqual(CAP);
    expect(used).toBeGreaterThanOrEqual(spent());
    // The threshold was told once at most, on one of the nodes: not if that died first.
    const near = [first, second, third].flatMap(({ said }) =>
      said.filter((each) => each === "near /firm microUsd"),
    );
    expect(near.length).toBeLessThanOrEqual(1);
  });
});
