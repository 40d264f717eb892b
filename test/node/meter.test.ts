/** The load hook of the meter: which modules of a thread count, with types and without. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { isAppModule } from "../../src/node/meter.ts";
import { Looker } from "./fixtures/metered.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-meter-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return pathToFileURL(path).href;
}

interface Result {
  value: unknown;
  used: number;
  over: boolean;
  stack: string;
}

function inThread(metered: string[], later: string[] = []) {
  const worker = new Worker(new URL("./fixtures/meter-worker.ts", import.meta.url), {
    workerData: { metered, later },
    stderr: true,
  });
  let printed = "";
  worker.stderr.on("data", (text) => {
    printed += text;
  });
  return new Promise<{ reports: string[]; results: Result[]; printed: string }>(
    (resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (message) => {
        worker.once("exit", () => resolve({ ...message, printed }));
      });
    },
  );
}

const SUM =
  "export function f() { let s = 0; for (const x of Array(1_280).keys()) s += x; return s }";
const TYPED = `interface Step { readonly cost: number }
type Text = string;

export function f<T extends Step>(_steps?: readonly T[]): Text {
  let text: Text = "" as Text;
  for (const { cost } of [{ cost: 1 }] satisfies Step[]) {
    text += cost!; throw new Error(text);
  }
  return text;
}`;

test("JavaScript and TypeScript of the app count; lines of stacks are the user's", async () => {
  const urls = [
    write("a.mjs", SUM),
    write("b.mts", SUM.replace("s = 0", "s: number = 0")),
    write("c.ts", `import { f as g } from "./a.mjs";\nexport const f = (): number => g();`),
    write("package/d.js", SUM),
    write("e.ts", TYPED),
  ];
  write("package/package.json", '{ "type": "module" }');
  const { results, reports, printed } = await inThread(urls);
  const sum = (1_279 * 1_280) / 2;
  expect(results.map(({ value, used }) => [value, used])).toEqual([
    [sum, 1_281],
    [sum, 1_281],
    [sum, 1_282],
    [sum, 1_281],
    [undefined, 1],
  ]);
  expect(results[4]?.stack).toMatch(/e\.ts:7:\d+/);
  expect(reports).toEqual([]);
  expect(printed).toBe("");
});

test("packages, unmetered modules and CommonJS do not count; what nobody asked for is told", async () => {
  const same = SUM.replace(
    "export function f() {",
    "export function f() { const coppice$over = 1;",
  );
  const { results, reports } = await inThread([
    write("node_modules/p/index.mjs", SUM),
    write("quiet.mjs", `"coppice unmetered";\n${SUM}`),
    write("old.cjs", `exports.f = ${SUM.slice("export ".length)}`),
    write("names.mjs", same),
  ]);
  expect(results.map(({ used }) => used)).toEqual([0, 0, 0, 0]);
  expect(reports).toEqual(["old.cjs: it is CommonJS", "names.mjs: it uses the name coppice$over"]);
});

test("a module that Node cannot read fails as it does without a meter", async () => {
  const broken = write("broken.ts", "export const f: = 1");
  await expect(inThread([broken])).rejects.toThrow(/Unexpected token/);
});

test("modules loaded after the meter is gone do not count", async () => {
  const { results } = await inThread([write("a.mjs", SUM)], [write("b.mjs", SUM)]);
  expect(results.map(({ used }) => used)).toEqual([1_281, 0]);
});

test("Coppice's own files are no app modules", () => {
  const own = (path: string) => isAppModule(new URL(`../../${path}`, import.meta.url).href);
  expect(["src/index.ts", "supervisors/pool.ts", "node_modules/zod/index.js"].map(own)).toEqual([
    false,
    false,
    false,
  ]);
  expect(["examples/01-hello.ts", "test/node/fixtures/metered.ts"].map(own)).toEqual([true, true]);
  expect(isAppModule("node:fs")).toBe(false);
});

async function withNode(
  threads: number,
  use: (system: System, events: KernelEvent[]) => Promise<void>,
) {
  const events: KernelEvent[] = [];
  const system = await start(new URL("./fixtures/metered.ts", import.meta.url), {
    threads,
    data: folder,
    log: "silent",
    onEvent: (event) => {
      events.push(event);
    },
  });
  try {
    await use(system, events);
  } finally {
    await system.stop();
  }
}

const looker = ref("/eyes/looker", Looker);
/** A loaded machine is slow, not wrong. */
const PATIENT = { timeout: "240s" } as const;

test("a node meters its app in scheduler threads, and logs once what it cannot meter", () =>
  withNode(2, async (system, events) => {
    const [look, colliding] = await system.ask(looker, "look", {}, PATIENT);
    expect(look).toMatch(/^\(\) => \{\n.*coppice\$left/);
    expect(colliding).not.toMatch(/coppice\$floor|--coppice\$left/);
    const logged = () => events.flatMap((event) => (event.type === "log" ? [event] : []));
    await expect.poll(logged).toHaveLength(1);
    const why = /^file:.*unmeterable\.ts is not metered: it uses the name coppice\$left$/;
    expect(logged()[0]).toMatchObject({ level: "warn", message: expect.stringMatching(why) });
  }));

test("a handler over its limit ends; code of a timer is not held to what a handler left over", () =>
  withNode(1, async (system, events) => {
    system.tell(looker, "spin", {});
    const ends = () => events.flatMap((event) => (event.type === "exited" ? [event.reason] : []));
    await expect.poll(ends).toMatchObject([{ tag: "quota", resource: "reductions" }]);
    const before = await system.ask(looker, "sum", {}, PATIENT);
    system.tell(looker, "late", {});
    const done = async () => (await system.ask(looker, "sum", {}, PATIENT)) - before;
    await expect.poll(done).toBe((99_999 * 100_000) / 2);
    expect(ends()).toHaveLength(1);
  }));

test("an async handler that works for long does not hold up its neighbour", () =>
  withNode(1, async (system) => {
    system.tell(ref("/eyes/busy", Looker), "grind", {});
    const sums: number[] = [];
    const all = (999_999 * 1_000_000) / 2;
    while (sums.at(-1) !== all) sums.push(await system.ask(looker, "sum", {}, PATIENT));
    expect(sums.filter((sum) => sum > 0 && sum < all).length).toBeGreaterThan(0);
  }));
