// The transaction: what is collected, marked, cut and sealed.
import { expect, test } from "vitest";
import type { Commit, Envelope } from "../../../src/kernel/ports.ts";
import { type Effect, Slice } from "../../../src/kernel/slice.ts";

const mail = (type: string): Envelope => ({
  kind: "mail",
  to: "/s/b",
  type,
  message: null,
  from: "/s/a",
  ask: 0,
  seq: 0,
  attempts: 0,
});
const send = (type: string): Effect => ({ kind: "send", envelope: mail(type) });
const seal = (slice: Slice): [Commit, Effect[]] =>
  slice.seal({ path: "/s/a", life: 7, behaviour: "b", version: 1 });
const types = (commit: Commit) => commit.mails.map((each) => each.type);

test("a new slice has nothing to commit", () => {
  expect(new Slice().dirty).toBe(false);
});

test("the first commit of a new actor holds its args and state", () => {
  const slice = new Slice();
  slice.add(send("from init"));
  slice.create({ size: 1 }, { n: 0 });
  slice.cut();
  const [commit] = seal(slice);
  expect(commit).toMatchObject({
    path: "/s/a",
    life: 7,
    created: { args: { size: 1 } },
    state: { value: { n: 0 } },
    acks: [],
  });
  expect(types(commit)).toEqual(["from init"]);
});

test("a finished message stands, what came after the mark is cut", () => {
  const slice = new Slice();
  slice.add(send("one"));
  slice.finish(1, { value: "after one" });
  slice.add(send("two"));
  slice.cut();
  const [commit, effects] = seal(slice);
  expect(commit.acks).toEqual([1]);
  expect(commit.state).toEqual({ value: "after one" });
  expect(types(commit)).toEqual(["one"]);
  expect(effects).toHaveLength(1);
});

test("the last state wins, and no change means no state", () => {
  const slice = new Slice();
  slice.finish(1, { value: 1 });
  slice.finish(2, { value: 2 });
  slice.finish(3, null);
  expect(seal(slice)[0]).toMatchObject({ acks: [1, 2, 3], state: { value: 2 } });
  slice.finish(4, null);
  expect(seal(slice)[0]).toMatchObject({ acks: [4], state: null });
});

test("a parked message is released with its progress; finishing it clears the progress", () => {
  const slice = new Slice();
  slice.add(send("before the await"));
  slice.park(5, 1);
  slice.cut();
  const [commit] = seal(slice);
  expect(commit).toMatchObject({ acks: [], progress: { seq: 5, effects: 1 } });
  expect(types(commit)).toEqual(["before the await"]);
  slice.park(5, 2);
  slice.finish(5, null);
  expect(seal(slice)[0]).toMatchObject({ acks: [5], progress: null });
});

test("steps, retries and dead letters are kept over a cut", () => {
  const slice = new Slice();
  slice.record({ seq: 5, index: 0, name: "step x", answer: { ok: true, value: 1 } });
  slice.add(send("gone"));
  slice.cut();
  slice.retry({ ...mail("again"), seq: 5 } as never, 2);
  slice.bury({ ...mail("dead"), seq: 6 } as never, { tag: "normal" });
  const [commit] = seal(slice);
  expect(commit.steps).toHaveLength(1);
  expect(commit.retries).toEqual([{ seq: 5, attempts: 2 }]);
  expect(commit.dead).toEqual([{ seq: 6, reason: { tag: "normal" } }]);
  expect(commit.acks).toEqual([6]);
  expect(commit.mails).toEqual([]);
});

test("each single thing makes it dirty, and sealing empties it", () => {
  const fills: ((slice: Slice) => void)[] = [
    (slice) => slice.add(send("x")),
    (slice) => slice.finish(1, null),
    (slice) => slice.finish(0, { value: undefined }),
    (slice) => slice.create(undefined, undefined),
    (slice) => slice.retry({ ...mail("again"), seq: 1 } as never, 1),
    (slice) => slice.bury({ ...mail("dead"), seq: 1 } as never, { tag: "normal" }),
    (slice) => slice.record({ seq: 1, index: 0, name: "n", answer: { ok: true, value: 1 } }),
  ];
  for (const fill of fills) {
    const slice = new Slice();
    fill(slice);
    expect(slice.dirty).toBe(true);
    seal(slice);
    expect(slice.dirty).toBe(false);
    const [empty, effects] = seal(slice);
    expect(effects).toEqual([]);
    expect(empty).toMatchObject({ created: null, state: null, acks: [], steps: [], mails: [] });
  }
});

test("a sealed commit is not changed by what the slice does next", () => {
  const slice = new Slice();
  slice.add(send("one"));
  slice.finish(1, { value: 1 });
  const [commit, effects] = seal(slice);
  slice.add(send("two"));
  slice.finish(2, { value: 2 });
  slice.cut();
  expect(commit.acks).toEqual([1]);
  expect(types(commit)).toEqual(["one"]);
  expect(effects).toHaveLength(1);
});

test("only mail goes to the store; signals and runs leave with the effects, in order", () => {
  const slice = new Slice();
  slice.add(send("a"));
  slice.add({ kind: "run", run: () => {} });
  slice.add({ kind: "send", envelope: { kind: "link", to: "/s/b", from: "/s/a" } });
  slice.add(send("b"));
  slice.finish(1, null);
  const [commit, effects] = seal(slice);
  expect(types(commit)).toEqual(["a", "b"]);
  expect(effects.map((each) => (each.kind === "run" ? "run" : each.envelope.kind))).toEqual([
    "mail",
    "run",
    "link",
    "mail",
  ]);
});
