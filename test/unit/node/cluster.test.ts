// A partition that is lost may come back only to a tree that has let go of it: who had read it before
// does not know what another node has committed there since (K11).

import { actor, app, child, dynamic, redis, supervisor } from "coppice";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import type { Answer } from "../../../src/kernel/ports.ts";
import { Cluster } from "../../../src/node/cluster.ts";

const Kept = actor("kept", { state: z.null(), messages: {}, init: () => null, on: {} });
const tree = supervisor("s", {}, [child("a", Kept), dynamic("d", {}, Kept, { durable: true })]);

/** A cluster whose supervisors follow when they are told to. */
function stage() {
  const left: number[] = [];
  const following: { path: string; done: (answer: Answer) => void }[] = [];
  const call = (path: string, _: unknown, _ms: number, done: (answer: Answer) => void) =>
    void following.push({ path, done });
  const kernel = { call, deliver: () => {} } as unknown as Kernel;
  let joins = 0;
  const store = {
    weak: [],
    left: (partition: number) => void left.push(partition),
    join: () => void joins++,
  };
  const made = new Cluster(
    app({ root: tree, store: redis({ url: "redis://x" }) }),
    ...(["n", 8, store, () => {}] as const),
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  /** The next supervisor has followed. */
  const follow = async () => {
    const next = following.shift();
    next?.done({ ok: true, value: null });
    await turn();
    return next?.path;
  };
  return { made, kernel, left, joins: () => joins, follow, turn };
}

test("lost, it is left when the whole tree has followed, and not before", async () => {
  const { made, kernel, left, follow, turn } = stage();
  made.hear({ kind: "taken", partition: 3, why: "" });
  made.begin();
  void made.attend(kernel);
  await turn();
  made.hear({ kind: "lost", partition: 3, why: "late" });
  await turn();
  expect([made.held, left]).toEqual([[], []]);
  expect([await follow(), left]).toEqual(["/s", []]);
  expect([await follow(), left]).toEqual(["/s/d", [3]]);
  made.hear({ kind: "taken", partition: 3, why: "" });
  await turn();
  expect([made.held, await follow(), await follow(), await follow()]).toEqual([
    [3],
    "/s",
    "/s/d",
    undefined,
  ]);
});

test("lost while the tree starts, it is left when that has followed", async () => {
  const { made, kernel, left, follow, turn } = stage();
  made.hear({ kind: "taken", partition: 5, why: "" });
  made.begin();
  made.hear({ kind: "lost", partition: 5, why: "late" });
  await turn();
  expect([await follow(), left]).toEqual([undefined, []]);
  void made.attend(kernel);
  await turn();
  expect([await follow(), await follow(), left]).toEqual(["/s", "/s/d", [5]]);
});

test("it joins when its tree runs, and attends when its share runs", async () => {
  const { made, kernel, joins, follow, turn } = stage();
  made.begin();
  expect(joins()).toBe(0);
  let isThere = false;
  void made.attend(kernel).then(() => {
    isThere = true;
  });
  await turn();
  expect(joins()).toBe(1);
  made.hear({ kind: "taken", partition: 3, why: "" });
  made.hear({ kind: "joined" });
  await turn();
  expect([isThere, await follow(), isThere]).toEqual([false, "/s", false]);
  expect([await follow(), isThere]).toEqual(["/s/d", true]);
});
