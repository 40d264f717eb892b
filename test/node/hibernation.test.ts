// Many sleeping actors on a real node: those who are needed come back, after kill -9 too, no others.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ref, type System, start } from "../../src/index.ts";
import type { ChildCounts } from "../../src/kernel/supervision.ts";
import { encode } from "../../src/store/codec.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { commit, mail } from "../tck/store-ops.ts";
import { Talk } from "./fixtures/talks.ts";

const APP = new URL("./fixtures/talks.ts", import.meta.url);
const MANY = 10_000;
/** Those that are spoken to, the others are asleep all the time. */
const SPOKEN = 300;

/** A store of sleeping talks; the last ones have mail. */
function makeStore(unread: number): string {
  const folder = mkdtempSync(join(tmpdir(), "coppice-talks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const engine = openSqlite(folder, { durability: "committed" });
  const created = { args: encode(undefined) };
  const state = encode({ said: [] });
  for (let n = 0; n < MANY; n++) {
    const path = `/s/talks/t${n}`;
    const mails = n < MANY - unread ? [] : [mail(path, n, { type: "say", ask: 0, from: "" })];
    engine.execute([commit(path, 1, { created, state, mails, behaviour: "talk" })]);
  }
  engine.close();
  return folder;
}

async function run(folder: string, events: string[] = []): Promise<System> {
  const onEvent = ({ type, path }: { type: string; path: string }) =>
    events.push(`${type} ${path}`);
  const system = await start(APP, {
    data: folder,
    inspect: false,
    threads: 2,
    log: "error",
    onEvent,
  });
  onTestFinished(() => system.stop());
  return system;
}
const talks = (system: System) => system.admin("/s/talks", { op: "count_children" });
const awake = async (system: System) =>
  (await system.inspect.tree()).processes.filter(({ path }) => path.startsWith("/s/talks/")).length;
const said = (system: System, n: number) =>
  system.ask(ref(`/s/talks/t${n}`, Talk), "said", null, { timeout: "60s" });

test("a node of 10,000 sleeping actors wakes those who have mail, and they sleep again", async () => {
  const folder = makeStore(50);
  const events: string[] = [];
  const system = await run(folder, events);
  const count = (await talks(system)) as { ok: ChildCounts };
  expect(count.ok).toMatchObject({ active: MANY, workers: MANY });
  const woken = () => new Set(events.filter((each) => each.startsWith("woken"))).size;
  await expect.poll(woken).toBe(50);
  expect(await said(system, MANY - 7)).toEqual([MANY - 7]);
  await expect.poll(() => awake(system)).toBe(0);
  expect(await said(system, 3)).toEqual([]);
  const shown = await system.inspect.show("/s/talks/t9");
  expect(shown).toMatchObject({ path: "/s/talks/t9", runs: "talk", durable: true });
  await expect(system.inspect.show("/s/talks/nobody")).rejects.toThrow("nothing has the path");
  expect(await system.inspect.act("stop", "/s/talks/t5")).toBe("/s/talks/t5 stopped");
  const fewer = (await talks(system)) as { ok: ChildCounts };
  expect(fewer.ok.active).toBe(MANY - 1);
  expect(events.filter((each) => /^(exited|child_terminated|start_error)/.test(each))).toEqual([
    "exited /s/talks/t5",
  ]);
});

test("kill -9 while they come and go: nothing that was stored is lost, nothing comes twice", async () => {
  const folder = makeStore(0);
  const stored = new Map<number, number[]>();
  for (let round = 0; round < 3; round++) {
    let lines = 0;
    const script = join(import.meta.dirname, "talks-node.ts");
    const args = ["--conditions=coppice-source", script, folder, String(SPOKEN)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.stdout.on("data", (data: Buffer) => {
      for (const line of String(data).trim().split("\n")) {
        const [talk = 0, n = 0] = line.split(" ").map(Number);
        stored.set(talk, [...(stored.get(talk) ?? []), n]);
        if (++lines === 700 + round * 100) child.kill("SIGKILL");
      }
    });
    await ended;
    expect(lines).toBeGreaterThanOrEqual(700);
  }
  const system = await run(folder);
  for (const [talk, numbers] of stored) {
    const found = await said(system, talk);
    // What was under way when a node was killed may be there too: more than was said, never twice.
    const counts = Map.groupBy(found, (n) => n);
    for (const n of numbers) expect(counts.has(n), `talk ${talk}, ${n}`).toBe(true);
    expect(found.length - numbers.length).toBeLessThanOrEqual(24);
  }
  const count = (await talks(system)) as { ok: ChildCounts };
  expect(count.ok.active).toBe(MANY);
  await expect.poll(() => awake(system)).toBe(0);
});
