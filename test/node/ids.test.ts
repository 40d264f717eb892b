/** Messages with an id to a real node, and being told that they are stored. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ref, type System, start } from "coppice";
import { expect, onTestFinished, test } from "vitest";
import { Counter } from "./fixtures/desk.ts";

const APP = new URL("./fixtures/desk.ts", import.meta.url);
const kept = ref("/desk/kept", Counter);
const plain = ref("/desk/plain", Counter);
const PATIENT = { timeout: 120_000 } as const;

test("an id counts once, over threads and starts; stored is said; the rest is refused", async () => {
  const data = mkdtempSync(join(tmpdir(), "coppice-ids-"));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const boot = () => start(APP, { threads: 2, data, log: "silent" });
  let node: System = await boot();
  for (let n = 0; n < 3; n++) await node.tell(kept, "add", { by: 1 }, { id: "x", stored: true });
  await node.tell(kept, "add", { by: 10 }, { stored: true });
  await node.crashThread(1);
  await node.crashThread(2);
  const question = { ...PATIENT, id: "q" };
  await expect
    .poll(() => node.ask(kept, "read", {}, { ...question }).catch((error) => error.code), PATIENT)
    .toBe(11);
  node.tell(kept, "add", { by: 1 }, { id: "x" });
  await node.stop();
  node = await boot();
  node.tell(kept, "add", { by: 1 }, { id: "x" });
  await node.tell(kept, "add", { by: 100 }, { stored: true });
  expect(await node.ask(kept, "read", {}, question)).toBe(11);
  expect(await node.ask(kept, "read", {}, PATIENT)).toBe(111);
  const refused = { code: "refused" };
  await expect(node.tell(plain, "add", { by: 1 }, { stored: true })).rejects.toMatchObject(refused);
  await expect(node.ask(plain, "read", {}, { id: "q" })).rejects.toMatchObject(refused);
  expect(() => node.tell(kept, "add", { by: 1 }, { id: "" })).toThrow("not allowed");
  expect(() => node.ask(kept, "read", {}, { id: "x".repeat(201) })).toThrow("not allowed");
  expect(await node.ask(plain, "read", {}, PATIENT)).toBe(0);
  await node.stop();
  const late = node.tell(kept, "add", { by: 1 }, { stored: true });
  await expect(late).rejects.toMatchObject({ code: "exited" });
});
