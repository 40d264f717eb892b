/**
 * The simulator itself: the same seed is the same run, every seed that ever failed passes, the real
 * world is out of reach, the command says what happened. What its checks are worth: sabotage.test.ts.
 */
import { describe, expect, test } from "vitest";
import { simCommand } from "../../src/sim/command.ts";
import { FAULTS, Faults } from "../../src/sim/faults.ts";
import { forbidRealWorld, RealWorldError } from "../../src/sim/guard.ts";
import { MARKS, Marks } from "../../src/sim/marks.ts";
import { seeded } from "../../src/sim/random.ts";
import { runSeed, runSeeds } from "../../src/sim/simulate-seeds.ts";
import { EventStream } from "../../src/sim/stream.ts";
import onceFailed from "./seeds.json" with { type: "json" };

const REPEATED = Array.from({ length: 20 }, (_, nth) => nth + 1);

test("K14: twenty seeds run twice have the same events", async () => {
  const hashes = new Set<string>();
  for (const seed of REPEATED) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    expect(second).toEqual(first);
    expect(first.failure).toBeNull();
    hashes.add(first.hash);
  }
  expect(hashes.size).toBe(REPEATED.length);
});

test("every seed that ever failed passes", async () => {
  const failures = [];
  for (const seed of onceFailed) {
    const { failure } = await runSeed(seed);
    if (failure !== null) failures.push({ seed, check: failure.check, detail: failure.detail });
  }
  expect(failures).toEqual([]);
});

describe("the real world", () => {
  const reach: [string, () => unknown][] = [
    ["Date.now", () => Date.now()],
    ["new Date()", () => new Date()],
    ["Math.random", () => Math.random()],
    ["performance.now", () => performance.now()],
    ["setTimeout", () => setTimeout(() => {}, 1)],
    ["setInterval", () => setInterval(() => {}, 1)],
    ["setImmediate", () => setImmediate(() => {})],
    ["queueMicrotask", () => queueMicrotask(() => {})],
    ["crypto.randomUUID", () => crypto.randomUUID()],
    ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(1))],
  ];

  test.each(reach)("%s throws while a seed runs, and works again after it", (name, use) => {
    const permit = forbidRealWorld();
    let thrown: unknown;
    let other: Date;
    try {
      use();
    } catch (error) {
      thrown = error;
    } finally {
      other = new Date(0);
      permit();
    }
    expect(thrown).toBeInstanceOf(RealWorldError);
    expect((thrown as Error).message).toContain(name);
    expect(other.getTime()).toBe(0);
    const made = use();
    if (name === "setTimeout" || name === "setInterval") clearTimeout(made as never);
  });
});

test("swarm: a quarter of the fault points is on, and fires now and then", () => {
  const count = Object.keys(FAULTS).length;
  const runs = Array.from({ length: 400 }, (_, seed) => new Faults(seeded(seed)));
  const on = runs.reduce((sum, { points }) => sum + points.size, 0) / runs.length / count;
  expect(on).toBeGreaterThan(0.22);
  expect(on).toBeLessThan(0.28);
  const chances = runs.flatMap(({ points }) => [...points.values()]);
  expect(Math.min(...chances)).toBeGreaterThanOrEqual(0.01);
  expect(Math.max(...chances)).toBeLessThanOrEqual(0.25);
  const [faults] = runs as [Faults];
  faults.stop();
  const fired = (Object.keys(FAULTS) as (keyof typeof FAULTS)[]).filter((f) => faults.fires(f));
  expect(fired).toEqual([]);
});

test("the stream's hash covers every event, its tail the newest, its violation the first", () => {
  const [one, other] = [new EventStream(), new EventStream()];
  const phase = (name: string) => ({ type: "phase", name, atMs: 0 }) as const;
  for (const stream of [one, other]) stream.emit(phase("a"));
  expect(other.hash).toBe(one.hash);
  one.emit(phase("b"));
  other.emit(phase("c"));
  expect(other.hash).not.toBe(one.hash);
  for (let nth = 0; nth < 100; nth++) one.emit(phase(String(nth)));
  expect(one.tail()).toHaveLength(40);
  expect(JSON.parse(one.tail().at(-1) ?? "")).toEqual(phase("99"));
  one.fail("first", "1");
  one.fail("second", "2");
  expect(one.violation).toEqual({ check: "first", detail: "1" });
});

test("marks: at least forty, each with a name of its own; what was never seen is told", () => {
  expect(MARKS.length).toBeGreaterThanOrEqual(40);
  expect(new Set(MARKS).size).toBe(MARKS.length);
  const marks = new Marks();
  marks.hit("the root gave up", 2);
  marks.hitIfKnown("ask ended: ok");
  marks.hitIfKnown("ask ended: in a way that nobody knows");
  const sum = new Marks();
  sum.add(marks);
  sum.add(marks);
  expect(sum.counts().filter(([, count]) => count > 0)).toEqual([
    ["ask ended: ok", 2],
    ["the root gave up", 4],
  ]);
  expect(sum.missing()).toHaveLength(MARKS.length - 2);
});

describe("runSeeds", () => {
  test("counts, and tells its progress", async () => {
    const seen: number[] = [];
    const onProgress = ({ done }: { done: number }) => seen.push(done);
    const result = await runSeeds({ seeds: 3, from: 7, checkDeterminism: true, onProgress });
    expect(result).toMatchObject({ passed: 3, failed: 0, failures: [] });
    expect(result.marks.map(([mark]) => mark)).toEqual(MARKS);
    expect(seen).toEqual([1, 2, 3]);
  });

  test("ends after the present seed when it is told to", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const result = await runSeeds({ seeds: 1_000, onProgress, signal: controller.signal });
    expect(result).toMatchObject({ passed: 1, failed: 0 });
  });
});

describe("the command", () => {
  async function run(args: string[], signal?: AbortSignal, isTTY = false) {
    let text = "";
    const out = {
      isTTY,
      write: (more: string) => {
        text += more;
      },
    };
    return { code: await simCommand(args, out, signal), text };
  }

  test("ends with the counts, alone on the last line", async () => {
    const { code, text } = await run(["--seeds", "3", "--seed=5"]);
    expect(code).toBe(0);
    expect(text.trimEnd().split("\n").at(-1)).toBe("3 passed, 0 failed");
    for (const mark of MARKS) expect(text).toContain(mark);
    expect(text).not.toContain("\r");
  });

  test("--json is one object", async () => {
    const { code, text } = await run(["--seeds", "2", "--check-determinism", "--json"]);
    expect(code).toBe(0);
    const result = JSON.parse(text);
    expect(result).toMatchObject({ passed: 2, failed: 0, failures: [], neverHit: [] });
    expect(result.steps).toBeGreaterThan(0);
  });

  test("shows its progress on a terminal, and takes it away", async () => {
    const { text } = await run(["--seeds", "2"], undefined, true);
    expect(text).toContain("\r1 of 2 seeds\u001b[K");
    expect(text).toContain("\r\u001b[Kmarks");
  });

  test("--help names every option", async () => {
    const { code, text } = await run(["--help"]);
    expect(code).toBe(0);
    for (const option of ["--seeds", "--seed", "--check-determinism", "--json", "--help"]) {
      expect(text).toContain(option);
    }
  });

  test.each([
    [["--seeds", "0"], /--seeds wants a whole number from 1 .* not 0/],
    [["--seeds"], /not nothing/],
    [["--seed", "x"], /not x/],
    [["--fast"], /no option "--fast"/],
  ])("%j is refused", async (args, message) => {
    await expect(run(args)).rejects.toMatchObject({ code: "E_USAGE" });
    await expect(run(args)).rejects.toThrow(message);
  });

  test("stops cleanly when told to", async () => {
    const { code, text } = await run(["--seeds", "1000"], AbortSignal.abort());
    expect(code).toBe(130);
    expect(text.trimEnd().split("\n").at(-1)).toBe("0 passed, 0 failed");
  });
});
