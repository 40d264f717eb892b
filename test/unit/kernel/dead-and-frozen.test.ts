// Dead letters are bounded and told apart; messages are values.
import { expect, test } from "vitest";
import { DEAD_MAX, DeadLetters } from "../../../src/kernel/dead.ts";
import { freeze } from "../../../src/kernel/freeze.ts";
import type { Mail } from "../../../src/kernel/ports.ts";
import { Bench } from "../../conformance/harness.ts";

const mail = (type: string): Mail => ({
  kind: "mail",
  to: "/s/x",
  type,
  message: { type },
  from: "/s/y",
  ask: 0,
  seq: 0,
  attempts: 0,
});

test("the newest dead letters are kept, oldest first, and all are counted", () => {
  const dead = new DeadLetters();
  for (let i = 1; i <= DEAD_MAX + 5; i++) dead.add(mail(`${i}`), "no_actor", i);
  const list = dead.list();
  expect(dead.total).toBe(DEAD_MAX + 5);
  expect(list).toHaveLength(DEAD_MAX);
  expect(list[0]).toMatchObject({ id: 6, type: "6", atMs: 6, reason: "no_actor", to: "/s/x" });
  expect(list.at(-1)?.type).toBe(`${DEAD_MAX + 5}`);
});

test("each way to be undeliverable has its reason", async () => {
  const t = new Bench();
  await t.sup({ intensity: 5 }, [
    t.w("a"),
    t.w("full", { mailboxMax: 1, overflow: "drop", script: ["ok"] }),
  ]);
  await t.tell("nobody", "run", null);
  await t.tell("s", "run", null);
  await t.tell("a", "unheard", null);
  await t.run("full", () => new Promise(() => {}));
  await t.tell("full", "run", null);
  await t.tell("full", "run", null);
  await t.kill("full");
  const seen = t.of("dead_letter").map(({ path, reason }) => `${path} ${reason}`);
  expect(seen).toEqual([
    "/s/nobody no_actor",
    "/s no_actor",
    "/s/a unknown_type",
    "/s/full mailbox_full",
    "/s/full actor_exited",
  ]);
  expect(t.world.control.dead.list().map(({ reason }) => reason)).toHaveLength(5);
  expect(t.downs("a")).toEqual([]);
});

test("a message named like something every object has is unknown too", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("a")]);
  for (const type of ["toString", "constructor", "__proto__", "hasOwnProperty"]) {
    await t.tell("a", type, null);
  }
  expect(t.of("dead_letter")).toHaveLength(4);
  expect(t.downs("a")).toEqual([]);
});

test("plain data is frozen in depth, circles and all", () => {
  const inner = { list: [{ deep: true }] };
  const value: Record<string, unknown> = { inner };
  value.self = value;
  expect(freeze(value)).toBe(value);
  expect(Object.isFrozen(inner.list[0])).toBe(true);
  expect(() => inner.list.push({ deep: false })).toThrow(TypeError);
  expect(freeze("text")).toBe("text");
  expect(freeze(null)).toBeNull();
  const bytes = new Uint8Array([1]);
  freeze({ bytes });
  bytes[0] = 2;
  expect(bytes[0]).toBe(2);
});

test("what is changed after it was sent throws where it is changed", async () => {
  const t = new Bench();
  const seen: unknown[] = [];
  await t.sup({ intensity: 5 }, [t.w("a"), t.w("b", { init: () => {} })]);
  await t.run("a", (ctx) => {
    const message = { n: 1 };
    ctx.tell(t.ref("b"), "crash", message);
    try {
      message.n = 2;
    } catch (error) {
      seen.push(error);
    }
  });
  expect(seen[0]).toBeInstanceOf(TypeError);
});

test("an answer is frozen too", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("a")]);
  const answer = (await t.eval("a", () => ({ list: [1] }))) as { list: number[] };
  expect(() => answer.list.push(2)).toThrow(TypeError);
});
