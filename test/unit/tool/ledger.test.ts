/** The books: never over a limit, whatever comes in which order; and what is on disk says the same. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Account } from "../../../src/actor/accounts.ts";
import { Ledger } from "../../../src/tool/ledger.ts";
import { LedgerFile } from "../../../src/tool/ledger-file.ts";

const soft = { at: 0.8, tell: "budget" };
const account = (path: string, limits: Partial<Account["limits"]>, durable = true): Account => ({
  path,
  limits: { soft, ...limits },
  durable,
  spread: durable,
});
const all = account("/crew", { microUsd: 1_000, toolCalls: 50 });
const one = account("/crew/a", { microUsd: 400, wallMs: 100, memoryBytes: 64 });
const other = account("/crew/b", { tokens: 10 });

const clocks = { now: () => 0, wall: () => 0 };
const used = (ledger: Ledger, path: string, resource: string) =>
  ledger.view(path, 0).find((each) => each.resource === resource);

describe("the books", () => {
  test("hold, settle, give back; the tighter limit counts, and nothing is held anywhere then", () => {
    const ledger = new Ledger();
    expect(ledger.reserve("1", [all, one], { microUsd: 300 }, 0)).toMatchObject({ refused: null });
    expect(ledger.reserve("2", [all, one], { microUsd: 101 }, 0)).toEqual({
      refused: { path: "/crew/a", resource: "microUsd", limit: 400, used: 300 },
    });
    expect(used(ledger, "/crew", "microUsd")).toMatchObject({ used: 0, held: 300 });
    ledger.settle("1", { microUsd: 10 });
    expect(used(ledger, "/crew", "microUsd")).toMatchObject({ used: 10, held: 0 });
    expect(ledger.reserve("3", [all, one], { microUsd: 390 }, 0)).toMatchObject({ refused: null });
    ledger.settle("3", null);
    ledger.settle("3", null);
    expect(used(ledger, "/crew/a", "microUsd")).toMatchObject({ used: 400, held: 0 });
    expect(ledger.overruns).toBe(0);
  });

  test("memory is lent, time passes, a limit of nothing allows nothing", () => {
    const ledger = new Ledger();
    const left = ledger.reserve("1", [one], { memoryBytes: 64 }, 5);
    expect(left).toMatchObject({ refused: null, left: { ms: 100, path: "/crew/a", limit: 100 } });
    expect(ledger.reserve("2", [one], { memoryBytes: 1 }, 5).refused?.resource).toBe("memoryBytes");
    ledger.settle("1", null);
    expect(ledger.reserve("3", [one], { memoryBytes: 64 }, 104)).toMatchObject({ left: { ms: 1 } });
    expect(ledger.reserve("4", [one], {}, 105).refused).toMatchObject({
      resource: "wallMs",
      used: 100,
    });
    const none = account("/none", { tokens: 0 });
    expect(ledger.reserve("5", [none], {}, 0).refused).toBeNull();
    expect(ledger.reserve("6", [none], { tokens: 1 }, 0).refused).not.toBeNull();
  });

  test("of several limits of time the tightest counts, whoever's it is", () => {
    const ledger = new Ledger();
    const wide = account("/crew", { wallMs: 1_000 });
    expect(ledger.reserve("1", [wide, one], {}, 0)).toMatchObject({ left: { path: "/crew/a" } });
    expect(ledger.reserve("2", [wide], {}, 950)).toMatchObject({ left: { ms: 50, path: "/crew" } });
    const late = account("/crew/c", { wallMs: 200 });
    expect(ledger.reserve("3", [wide, late], {}, 960)).toMatchObject({
      left: { ms: 40, path: "/crew" },
    });
  });

  test("says once that a limit is near", () => {
    const ledger = new Ledger();
    const near = (id: string) => {
      const said = ledger.reserve(id, [other], { tokens: 4 }, 0);
      ledger.settle(id, { tokens: 1 });
      return said.refused === null ? said.near : said.refused;
    };
    expect(
      [near("1"), near("2"), near("3"), near("4")].map(
        (each) => Array.isArray(each) && each.length,
      ),
    ).toEqual([0, 0, 0, 0]);
    expect(near("5")).toEqual([
      { path: "/crew/b", resource: "tokens", limit: 10, used: 8, tell: "budget" },
    ]);
    expect(near("6")).toEqual([]);
  });

  test("a tool that spends more than it promised is counted, and what follows is refused", () => {
    const ledger = new Ledger();
    ledger.reserve("1", [other], { tokens: 1 }, 0);
    ledger.settle("1", { tokens: 11 });
    expect(ledger.overruns).toBe(1);
    expect(ledger.reserve("2", [other], {}, 0).refused).toMatchObject({ used: 11 });
  });

  test("under any calls the sum is exact, and no limit is passed by anything", () => {
    const step = fc.record({
      open: fc.boolean(),
      which: fc.nat(200),
      most: fc.nat(300),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      crash: fc.boolean(),
      under: fc.constantFrom<Account[]>([all], [all, one], [all, other], [one]),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const ledger = new Ledger();
        const open: { id: string; most: number; under: Account[] }[] = [];
        const real = new Map<string, number>();
        for (const [index, { open: opens, which, most, part, crash, under }] of steps.entries()) {
          if (opens) {
            const id = String(index);
            if (ledger.reserve(id, under, { microUsd: most }, 0).refused === null)
              open.push({ id, most, under });
          } else if (open.length > 0) {
            const [call] = open.splice(which % open.length, 1) as [(typeof open)[number]];
            const spent = Math.floor(call.most * part);
            ledger.settle(call.id, crash ? null : { microUsd: spent });
            for (const { path } of call.under) {
              real.set(path, (real.get(path) ?? 0) + (crash ? call.most : spent));
            }
          }
          for (const { path, limits } of [all, one]) {
            const book = used(ledger, path, "microUsd");
            expect(book?.used ?? 0).toBe(real.get(path) ?? 0);
            expect((book?.used ?? 0) + (book?.held ?? 0)).toBeLessThanOrEqual(limits.microUsd ?? 0);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the books on disk", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "coppice-quota-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A node's life: what it does, and how it ends. */
  async function life(act: (ledger: Ledger, file: LedgerFile) => Promise<void>, bytes?: number) {
    const ledger = new Ledger();
    const file = new LedgerFile(folder, ledger, clocks, bytes);
    await act(ledger, file);
    await file.close();
    return ledger;
  }
  const call = async (ledger: Ledger, file: LedgerFile, id: string, microUsd: number) => {
    ledger.reserve(id, [all], { microUsd }, 0);
    await file.append({ hold: id, paths: ["/crew"], amounts: { microUsd } });
  };
  const spentByThen = async () => {
    const ledger = await life(async (each) => void each.reserve("x", [all], {}, 0));
    return used(ledger, "/crew", "microUsd")?.used;
  };

  test("what was settled counts as it was, what was not counts in full; again and again", async () => {
    await life(async (ledger, file) => {
      await call(ledger, file, "1", 100);
      ledger.settle("1", { microUsd: 7 });
      await file.append({ settle: "1", spent: { microUsd: 7 } });
      await call(ledger, file, "2", 50);
      await call(ledger, file, "3", 20);
      ledger.settle("3", null);
      await file.append({ settle: "3", spent: null });
    });
    expect(await spentByThen()).toBe(77);
    expect(await spentByThen()).toBe(77);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test("a file that has grown is followed by one with the sums", async () => {
    await life(async (ledger, file) => {
      for (let n = 0; n < 200; n++) {
        await call(ledger, file, `${n}`, 2);
        ledger.settle(`${n}`, { microUsd: 1 });
        await file.append({ settle: `${n}`, spent: { microUsd: 1 } });
      }
    }, 2_000);
    expect(await spentByThen()).toBe(200);
    expect(readdirSync(folder).length).toBeLessThan(4);
  });

  test("a kill while the next file is begun, or in the middle of a line, loses nothing", async () => {
    await life((ledger, file) => call(ledger, file, "1", 100));
    const [name = ""] = readdirSync(folder);
    appendFileSync(join(folder, name), '{"settle":"1","spe');
    writeFileSync(join(folder, "quota-000777.jsonl"), '{"sums":[["/cre');
    expect(await spentByThen()).toBe(100);
  });

  test("damage is E_STORE_CORRUPT: nobody gets a new budget by it", async () => {
    await life((ledger, file) => call(ledger, file, "1", 100));
    const [name = ""] = readdirSync(folder);
    appendFileSync(join(folder, name), "{{{\n");
    expect(() => new LedgerFile(folder, new Ledger(), clocks)).toThrow(
      expect.objectContaining({ code: "E_STORE_CORRUPT" }),
    );
  });
});
