// Dead letters of a running node: of its threads and of its store, shown, replayed, dropped.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamicRef, ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Counter } from "./fixtures/desk.ts";

const DESK = new URL("./fixtures/desk.ts", import.meta.url);
const kept = ref("/desk/kept", Counter);
const late = ref("/desk/crowd/late", Counter);
const crowd = dynamicRef("/desk/crowd", Counter);

let data: string;
let system: System;

const open = () => start(DESK, { data, threads: 2, log: "silent", inspect: false });

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "coppice-letters-"));
  system = await open();
});
afterEach(async () => {
  await system.stop();
  rmSync(data, { recursive: true, force: true });
});

const list = (path?: string) =>
  system.inspect.letters(path === undefined ? { do: "list" } : { do: "list", path });

/** The letters, once there are so many. */
async function letters(count: number) {
  await expect.poll(async () => (await list()).total).toBe(count);
  return (await list()).letters;
}

test("a message that crashes a durable actor too often: kept over a stop, replayed, dropped", async () => {
  system.tell(kept, "boom", {});
  const [letter] = await letters(1);
  expect(letter).toMatchObject({ id: "s1", to: kept.path, type: "boom", from: "", attempts: 2 });
  expect(letter?.reason).toContain("boom");
  await system.stop();
  system = await open();
  expect((await list()).letters).toEqual([letter]);
  expect(await system.inspect.letters({ do: "show", letter: "s1" })).toMatchObject({
    letters: [{ id: "s1", message: "{}" }],
  });
  // It comes back as if it had just been sent: it crashes its actor as often again.
  await system.inspect.letters({ do: "replay", letter: "s1" });
  await expect.poll(async () => (await list()).letters.map(({ id }) => id)).toEqual(["s2"]);
  const again = { do: "replay", letter: "s1" } as const;
  await expect(system.inspect.letters(again)).rejects.toMatchObject({ code: "E_LETTER_UNKNOWN" });
  await system.inspect.letters({ do: "drop", letter: "s2" });
  expect(await list()).toEqual({ total: 0, silent: 0, letters: [] });
});

test("a message to nobody: replayed when there is somebody; it is handled once", async () => {
  system.tell(late, "add", { by: 5 });
  const [letter] = await letters(1);
  expect(letter).toMatchObject({ id: expect.stringMatching(/^\d\.1$/), reason: "no_actor" });
  const id = letter?.id as string;
  await system.start(crowd, { id: "late", args: undefined });
  await system.inspect.letters({ do: "replay", letter: id });
  await expect.poll(() => system.ask(late, "read", {})).toBe(5);
  expect((await list()).total).toBe(0);
});

test("a stored letter of an actor that is gone stays; of another that lives it is handled", async () => {
  await system.start(crowd, { id: "late", args: undefined });
  for (let n = 0; n < 3; n++) system.tell(late, "boom", {});
  await letters(3);
  expect((await list(late.path)).letters).toHaveLength(3);
  expect((await list("/desk/kept")).letters).toEqual([]);
  await system.admin("/desk/crowd", { op: "terminate_child", id: "late" });
  const first = { do: "replay", letter: "s1" } as const;
  await expect(system.inspect.letters(first)).rejects.toMatchObject({ code: "no_actor" });
  expect((await list()).total).toBe(3);
});

test("all are dropped, of threads and of the store", async () => {
  system.tell(kept, "boom", {});
  system.tell(late, "add", { by: 1 });
  await letters(2);
  expect(await system.inspect.letters({ do: "drop", letter: null })).toMatchObject({ total: 2 });
  expect((await list()).total).toBe(0);
});

test("numbers that mean nothing are refused", async () => {
  for (const letter of ["", "s", "7", "s1 ", "9.1", "1.1", "s99", "s".repeat(9_999)]) {
    const error = { code: "E_LETTER_UNKNOWN", fix: expect.stringContaining("coppice dead") };
    await expect(system.inspect.letters({ do: "show", letter })).rejects.toMatchObject(error);
  }
});
