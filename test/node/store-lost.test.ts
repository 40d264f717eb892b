// A node whose store's thread dies cannot keep anything any more: it ends, says why, and nobody waits.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ref, start } from "coppice";
import { expect, test } from "vitest";
import { Counter } from "./fixtures/kept.ts";

const APP = new URL("./fixtures/kept.ts", import.meta.url);
const counter = ref("/s/counter", Counter);
const PATIENT = { timeout: "120s" } as const;

test("the store's thread dies: the node ends, and so do questions; the next start has it all", async () => {
  const data = mkdtempSync(join(tmpdir(), "coppice-lost-"));
  const said: string[] = [];
  const onEvent = (event: { type: string; message?: string }) => {
    if (event.type === "log") said.push(event.message ?? "");
  };
  try {
    const first = await start(APP, { data, threads: 1, log: "silent", inspect: false, onEvent });
    expect(await first.ask(counter, "count", null, PATIENT)).toBe(1);
    const never = first.ask(counter, "never", null, PATIENT);
    const refused = expect(never).rejects.toMatchObject({ reason: { tag: "store_lost" } });
    await first.crashThread("store");
    expect(await first.ended).toMatchObject({ tag: "store_lost" });
    await refused;
    await expect(first.ask(counter, "count", null, PATIENT)).rejects.toMatchObject({
      code: "exited",
      reason: { tag: "store_lost" },
    });
    expect(said).toContainEqual(expect.stringMatching(/the node ends: the store's thread is lost/));
    await first.stop();
    const second = await start(APP, { data, threads: 1, log: "silent", inspect: false });
    expect(await second.ask(counter, "count", null, PATIENT)).toBe(2);
    await second.stop();
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
