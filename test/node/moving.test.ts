/** Actors of a real node that move from a busy thread to an idle one, in the midst of their work. */
import { type System, start } from "coppice";
import { afterEach, expect, test } from "vitest";
import { hogRef, refs } from "./fixtures/moving.ts";

let system: System | null = null;
afterEach(async () => {
  await system?.stop();
  system = null;
});

const APP = new URL("./fixtures/moving.ts", import.meta.url);
/** Numbers that each one tells its neighbour before the next look. */
const NUMBERS = 400;

test.each([
  ["ephemeral", APP],
  ["durable", new URL("./fixtures/moving-durable.ts", import.meta.url)],
])("a busy thread gives %s actors to an idle one: order and asks survive", async (_, file) => {
  const moved = new Set<string>();
  const bad: string[] = [];
  system = await start(file, {
    threads: 2,
    log: "silent",
    rebalance: { every: "100ms", busy: 5, idle: 99, rest: "300ms" },
    onEvent: (event) => {
      if (event.type === "moved") moved.add(event.path);
      if (event.type === "dead_letter" || event.type === "exited") bad.push(event.path);
    },
  });
  const sys = system;
  let upTo = 0;
  const counts = (each: (typeof refs)[number]) =>
    sys.ask(each, "counts", null, { timeout: "240s" });
  const done = async () => {
    const all = await Promise.all(refs.map(counts));
    return all.every(({ heard }) => heard === upTo);
  };
  // Work until enough of them have moved in its midst.
  while (upTo === 0 || (moved.size < 3 && upTo < 20 * NUMBERS)) {
    upTo += NUMBERS;
    for (const each of refs) sys.tell(each, "go", { upTo });
    await expect.poll(done, { interval: 50 }).toBe(true);
  }
  for (const [nth, each] of refs.entries()) {
    const answers = nth % 2 === 0 ? upTo / 10 : 0;
    expect(await counts(each), each.path).toEqual({ sent: upTo, heard: upTo, wrong: 0, answers });
  }
  expect(bad).toEqual([]);
  expect(moved.size).toBeGreaterThan(0);
});

test("a hog goes where it has no neighbours; inspection says where", async () => {
  const moved: number[] = [];
  system = await start(APP, {
    threads: 2,
    log: "silent",
    inspect: false,
    rebalance: { every: "100ms", busy: 5, idle: 99 },
    onEvent: (event) => event.type === "moved" && moved.push(event.thread),
  });
  const sys = system;
  sys.tell(hogRef, "burn", null);
  for (const each of refs) sys.tell(each, "go", { upTo: 1_000_000 });
  await expect.poll(() => moved.length).toBeGreaterThan(0);
  const there = async () => {
    const { processes } = await sys.inspect.tree();
    return processes.filter(({ path, thread }) => path.startsWith("/busy/") && thread === 2).length;
  };
  await expect.poll(there).toBeGreaterThan(0);
  expect(await sys.ask(hogRef, "rounds", null, { timeout: "240s" })).toBeGreaterThan(0);
});

test("the thread that took them is lost: they start again at home, each once", async () => {
  const moved = new Set<string>();
  const lost = new Map<string, number>();
  system = await start(APP, {
    threads: 2,
    log: "silent",
    inspect: false,
    rebalance: { every: "100ms", busy: 5, idle: 99, rest: "60s" },
    onEvent: (event) => {
      if (event.type === "moved") moved.add(event.path);
      if (event.type === "vanished") lost.set(event.path, (lost.get(event.path) ?? 0) + 1);
    },
  });
  const sys = system;
  for (const each of refs) sys.tell(each, "go", { upTo: 1_000_000 });
  await expect.poll(() => moved.size).toBeGreaterThan(0);
  await sys.crashThread(2);
  await expect.poll(() => lost.size).toBeGreaterThan(0);
  const [path = ""] = lost.keys();
  const again = async () => {
    const { processes } = await sys.inspect.tree();
    const row = processes.find((each) => each.path === path);
    return row === undefined
      ? "none"
      : `${row.thread} ${row.incarnation} ${row.status !== "restarting"}`;
  };
  await expect.poll(again).toMatch(/^[12] 2 true$/);
  expect([...lost.values()].every((count) => count === 1)).toBe(true);
});

test("settings of rebalancing are checked before anything starts", async () => {
  const wrong = { threads: 2, rebalance: { busy: 200 } };
  await expect(start(APP, wrong)).rejects.toMatchObject({ code: "E_SPEC_RANGE" });
  await expect(start(APP, { rebalance: 1 as never })).rejects.toMatchObject({
    code: "E_SPEC_STRATEGY",
  });
  const still = new URL("./fixtures/desk.ts", import.meta.url);
  await expect(start(still, { rebalance: true })).rejects.toMatchObject({
    code: "E_SPEC_COMBINATION",
  });
});
