/** Budgets on real threads: through crashes, lost threads and restarts of the node. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cli, ownFolder } from "../cli/stage.ts";
import { Agent, agents } from "./fixtures/budget.ts";

ownFolder();
let data = "";
let system: System | null = null;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "coppice-budget-"));
});
afterEach(async () => {
  await system?.stop();
  rmSync(data, { recursive: true, force: true });
});

const CAP = 2_000_000;

test("1,000 agents never spend more than the cap of their supervisor", async () => {
  const ledger = join(data, "world");
  writeFileSync(ledger, "");
  const spent = () =>
    readFileSync(ledger, "utf8")
      .split("\n")
      .reduce((sum, each) => sum + Number(each), 0);
  const boot = async () => {
    const fixture = new URL("./fixtures/budget.ts", import.meta.url);
    system = await start(fixture, { threads: 2, data, log: "silent" });
    return system;
  };
  const quota = async (node: System) => {
    const { quota } = await node.inspect.show("/firm/crew");
    return quota[0] ?? { used: 0, held: 0, limit: 0 };
  };
  let node = await boot();
  const ids = Array.from({ length: 1_000 }, (_, n) => `a${n}`);
  await Promise.all(ids.map((id) => node.start(agents, { id, args: { ledger } })));
  for (let life = 0; life < 2; life++) {
    for (const id of ids) {
      const most = 200 + Math.floor(Math.random() * 3_000);
      node.tell(ref(`/firm/crew/${id}`, Agent), "go", { most, crash: Math.random() < 0.1 });
    }
    const before = spent();
    await expect.poll(spent).toBeGreaterThan(Math.min(before + 50_000, CAP / 2));
    await node.crashThread(1 + (life % 2));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { used, held, limit } = await quota(node);
    expect(used + held).toBeLessThanOrEqual(limit);
    expect(limit).toBe(CAP);
    await node.stop();
    node = await boot();
  }
  // What was spent before is not forgotten: of what is left somebody must hear no.
  await expect.poll(async () => (await quota(node)).used).toBeGreaterThan(CAP * 0.1);
  const { out } = await cli(["show", "/firm/crew", "--data", data]);
  expect(out).toMatch(/money +\$[01]\.\d{6} of \$2\.000000/);
  await node.stop();
  expect(spent()).toBeGreaterThan(CAP * 0.1);
  expect(spent()).toBeLessThanOrEqual(CAP);
});
