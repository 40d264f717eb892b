/** Policy, people and the record on a real node: answered by the command, through crashes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAudit } from "../../src/tool/audit.ts";
import { cli, ownFolder } from "../cli/stage.ts";
import { Agent } from "./fixtures/policy.ts";

ownFolder();
const agent = ref("/desk/agent", Agent);
const other = ref("/desk/other", Agent);
let data = "";
let system: System | null = null;

async function boot(): Promise<System> {
  const fixture = new URL("./fixtures/policy.ts", import.meta.url);
  system = await start(fixture, { threads: 2, data, log: "silent" });
  return system;
}

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "coppice-policy-"));
});
afterEach(async () => {
  await system?.stop();
  rmSync(data, { recursive: true, force: true });
});

const command = (...args: string[]) => cli([...args, "--data", data]);
const open = async () =>
  JSON.parse((await command("questions", "--json")).out) as { key: string }[];

test("a person approves with the command, after a crash of the agent and a restart of the node", async () => {
  const first = await boot();
  first.tell(agent, "pay", 7);
  first.tell(agent, "pay", 500);
  await expect.poll(open).toHaveLength(1);
  await first.inspect.act("kill", "/desk/agent");
  await first.stop();
  const node = await boot();
  await expect.poll(open).toHaveLength(1);
  const [question] = await open();
  expect(question).toMatchObject({ who: "/desk/ops", tool: "pay", path: "/desk/agent" });
  const key = question?.key ?? "";
  const { out } = await command("approve", key, "--why", "invoice 4711");
  expect(out).toBe(`${key} approved\n`);
  expect((await command("approve", key)).status).toBe(1);
  node.tell(agent, "pay", 5_000);
  const said = () => node.ask(agent, "said", {}).catch(() => []);
  await expect.poll(said).toEqual(["paid 7", "paid 500", "tool pay was denied: too much"]);
  node.tell(other, "pay", 1);
  const refused = ["tool pay is not granted"];
  await expect.poll(() => node.ask(other, "said", {}).catch(() => [])).toEqual(refused);
  await node.stop();

  const { lines, fault } = readAudit(data);
  expect(fault).toBeNull();
  const words = lines.map(({ path, decision, why }) => `${path.slice(6)} ${decision} ${why}`);
  expect(words).toContain("agent allow invoice 4711");
  expect(words).toContain("agent deny too much");
  expect(words).toContain("other deny not granted");
  // What is paid with is nobody's business there.
  expect(readFileSync(join(data, "audit-000001.jsonl"), "utf8")).not.toContain("4111");
});

test("a record that was tampered with: the node does not start", async () => {
  const node = await boot();
  node.tell(agent, "pay", 7);
  await expect.poll(() => readAudit(data).lines.length).toBe(1);
  await node.stop();
  const file = join(data, "audit-000001.jsonl");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(file, readFileSync(file, "utf8").replace('"allow"', '"deny"'));
  await expect(boot()).rejects.toMatchObject({ code: "E_AUDIT_BROKEN" });
});
