// How a node comes to its share: with others at once when its tree runs, alone before it starts.

import { expect, test } from "vitest";
import {
  type Joining,
  type Living,
  livingOf,
  othersLive,
  waitForShare,
} from "../../../src/store/redis-joining.ts";

const LEASE_MS = 5_000;

/** Time goes by only while somebody sleeps. */
class Virtual implements Joining {
  at = 0;
  now = () => this.at;
  sleep = async (ms: number) => {
    this.at += ms;
  };
}

/** Nodes as Redis has them: each is noted for a lease from when it was heard of last. */
const noted = (time: { at: number }, heard: Record<string, (at: number) => number>) => async () => {
  const all = Object.entries(heard).map(
    ([name, last]) => [name, last(time.at) + LEASE_MS] as const,
  );
  return new Map(all.filter(([, until]) => until > time.at)) as Living;
};

/** It says that it lives four times per lease. */
const alive = (at: number) => at - (at % (LEASE_MS / 4));
const dead = () => -1_000;

test("nobody is noted: it is alone, at once", async () => {
  const time = new Virtual();
  expect([await othersLive(noted(time, {}), time), time.at]).toEqual([false, 0]);
});

test("who is noted and says nothing more has died: it is alone when that one's lease is over", async () => {
  const time = new Virtual();
  expect([await othersLive(noted(time, { a: dead }), time), time.at]).toEqual([false, 4_000]);
});

test("one that is heard of again lives", async () => {
  const time = new Virtual();
  const look = noted(time, { a: dead, b: alive });
  expect([await othersLive(look, time), time.at]).toEqual([true, 1_300]);
});

test("one that came since lives", async () => {
  const time = new Virtual();
  const late = (at: number) => (at < 700 ? -LEASE_MS : 700);
  expect([await othersLive(noted(time, { a: dead, c: late }), time), time.at]).toEqual([true, 700]);
});

test("a share is waited for as long as a lease and three seconds", async () => {
  for (const [completeAt, until] of [
    [0, 0],
    [450, 500],
    [Number.POSITIVE_INFINITY, LEASE_MS + 3_000],
  ] as const) {
    const time = new Virtual();
    let rounds = 0;
    const leases = {
      get complete() {
        return time.at >= completeAt;
      },
      over: false,
      // A round that fails is not the last.
      round: async () => {
        rounds++;
        throw new Error("Redis is away");
      },
    };
    await waitForShare(leases, LEASE_MS, time);
    expect([time.at, rounds]).toEqual([until, until / 100]);
  }
});

test("a node that ends meanwhile waits no longer", async () => {
  const time = new Virtual();
  const leases = {
    complete: false,
    get over() {
      return time.at >= 300;
    },
    round: async () => {},
  };
  await waitForShare(leases, LEASE_MS, time);
  expect(time.at).toBe(300);
});

test("what Redis answers is read", () => {
  const reply = ["a", "1700000000001", "b", "2"].map((each) => Buffer.from(each));
  expect([...livingOf(reply)]).toEqual([
    ["a", 1_700_000_000_001],
    ["b", 2],
  ]);
});
