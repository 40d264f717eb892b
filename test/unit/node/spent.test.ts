import { describe, expect, test } from "vitest";
import { Spent, type Usage } from "../../../src/node/spent.ts";

describe("time a thread really had", () => {
  /** A clock over figures that the test moves. */
  function clock() {
    const now = { ranMs: 0, waitedMs: 0, runnable: true };
    const spent = new Spent(0, (): Usage => ({ ...now }));
    spent.read(0, true);
    return { now, at: (wallMs: number) => spent.read(wallMs, true) };
  }

  test("a tick ahead of the system's figures at most, and never back", () => {
    const { now, at } = clock();
    expect([at(1), at(3), at(4), at(9)]).toEqual([1, 3, 4, 4]);
    now.ranMs = 4;
    expect(at(10)).toBe(4);
    expect(at(12)).toBe(6);
    now.ranMs = 5;
    expect([at(13), at(14)]).toEqual([6, 6]);
  });

  test("waiting for a processor does not count, also while the system has not noted it", () => {
    const { now, at } = clock();
    expect(at(500)).toBe(4);
    now.waitedMs = 499;
    now.ranMs = 1;
    expect(at(501)).toBe(4);
    now.ranMs = 9;
    expect(at(509)).toBe(9);
  });

  test("sleep counts a quarter", () => {
    const { now, at } = clock();
    now.runnable = false;
    expect(at(100)).toBe(25);
  });

  test("where there are no figures the wall counts", () => {
    const spent = new Spent(0, () => null);
    expect([spent.read(5, true), spent.read(9, false)]).toEqual([5, 9]);
  });
});
