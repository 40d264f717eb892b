/** Quotas seen and raised with the command, on a real node; time that is over ends who does nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAudit } from "../../src/tool/audit.ts";
import { cli, ownFolder } from "../cli/stage.ts";
import { Agent } from "./fixtures/raise.ts";

ownFolder();
let data = "";
let system: System | null = null;
const exits: string[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "coppice-raise-"));
});
afterEach(async () => {
  await system?.stop();
  rmSync(data, { recursive: true, force: true });
});

const agent = ref("/firm/agent", Agent);
const command = (...args: string[]) => cli(["budget", ...args, "--data", data]);

async function boot(): Promise<System> {
  const fixture = new URL("./fixtures/raise.ts", import.meta.url);
  system = await start(fixture, {
    ...{ threads: 1, data, log: "silent" },
    onEvent: (event) => {
      if (event.type === "exited") exits.push(`${event.path} ${JSON.stringify(event.reason)}`);
    },
  });
  return system;
}

test("a quota is listed, raised, recorded, and stays raised", async () => {
  const node = await boot();
  // Who does nothing ends all the same.
  await expect.poll(() => exits.join("\n")).toContain("/firm/idle");
  expect(exits[0]).toMatch(/^\/firm\/idle \{"tag":"quota","resource":"wallMs","limit":300/);
  node.tell(agent, "go", {});
  const done = () => node.ask(agent, "done", {}, { timeout: "1m" });
  await expect.poll(done).toBe(1);
  const { tools } = await node.inspect.show("/firm/agent");
  const last = { tool: "model", end: "ok", tier: "inline", cpuMs: null, bytesIn: 0 };
  expect(tools?.last).toMatchObject([last]);
  expect((await cli(["show", "/firm/agent", "--data", data])).out).toMatch(
    /last tool calls\n +model +ok +inline +\d+ms/,
  );
  const { out } = await command("/firm/agent");
  expect(out).toMatch(/PATH +WHAT +SPENT +HELD +LEFT +LIMIT/);
  expect(out).toMatch(/\/firm\/agent +tokens +60 +0 +40 +100 +60 %/);
  expect((await command()).out).toMatch(/\/firm +money +\$0\.000010 +\$0\.000000 +\$0\.999990/);
  const added = await command("add", "/firm/agent", "--tokens", "50", "--why", "a longer text");
  expect(added.out).toMatch(/tokens +60 +0 +90 +150 +40 %/);
  node.tell(agent, "go", {});
  await expect.poll(done).toBe(2);
  const { lines, fault } = readAudit(data);
  expect(fault).toBeNull();
  expect(lines.at(-1)).toMatchObject({
    ...{ path: "/firm/agent", tool: "quota", key: "raise", decision: "allow" },
    why: '{"tokens":50} a longer text',
  });
  await node.stop();
  await boot();
  const [view] = JSON.parse((await command("/firm/agent", "--json")).out);
  expect(view.rows).toContainEqual({ resource: "tokens", used: 120, held: 0, limit: 150 });
});

test("what cannot be raised is refused, and says why", async () => {
  await boot();
  const refused = async (...args: string[]) => (await command("add", ...args)).err;
  expect(await refused("/firm/nobody", "--usd", "1")).toContain("E_PATH_UNKNOWN");
  expect(await refused("/firm/agent", "--usd", "1")).toContain("E_QUOTA_UNHELD");
  expect(await refused("/firm/agent", "--steps", "1")).toContain(
    "steps of an actor count in one life",
  );
  expect(await refused("/firm/agent")).toContain("nothing is added");
  expect(await refused("/firm", "--usd=-1")).toContain("E_SPEC_RANGE");
  expect(await refused("/firm", "--usd", "0")).toContain("more than nothing");
});
