// Stacks of crashes: the first ones of an error are kept, the others say that they are not.
import { expect, test } from "vitest";
import type { AnyContext } from "../../../src/actor/context.ts";
import { STACK_LEFT_OUT } from "../../../src/actor/exit.ts";
import { STACKS_MAX, Stacks } from "../../../src/kernel/stacks.ts";
import { Bench } from "../../conformance/harness.ts";

const KEPT = Array.from({ length: STACKS_MAX }, () => true);
const crashes = (stacks: Stacks, times: number, message = "m", parent = "/s", atMs = 0) =>
  Array.from({ length: times }, (_, i) => stacks.keeps(parent, "E", `${message} ${i}`, atMs));

test("errors that differ in numbers only are the same; another error or supervisor is not", () => {
  const stacks = new Stacks();
  expect(crashes(stacks, STACKS_MAX + 2)).toEqual([...KEPT, false, false]);
  expect(stacks.keeps("/s", "E", "other", 0)).toBe(true);
  expect(stacks.keeps("/s", "TypeError", "m 1", 0)).toBe(true);
  expect(crashes(stacks, STACKS_MAX + 1, "m", "/t")).toEqual([...KEPT, false]);
});

test("a second later they are kept again", () => {
  const stacks = new Stacks();
  crashes(stacks, STACKS_MAX + 1, "m", "/s", 5_000);
  expect(crashes(stacks, 1, "m", "/s", 5_999)).toEqual([false]);
  expect(crashes(stacks, STACKS_MAX + 1, "m", "/s", 6_000)).toEqual([...KEPT, false]);
});

test("a thousand different errors are told apart, the others are as one", () => {
  const stacks = new Stacks();
  const each = (at: number) => stacks.keeps("/s", "E", `x${"y".repeat(at % 190)}z`, 0);
  for (let at = 0; at < 190; at++) expect(each(at)).toBe(true);
  const apart = (at: number) => stacks.keeps(`/s${at}`, "E", "m", 0);
  for (let at = 190; at < 1_000; at++) expect(apart(at)).toBe(true);
  const beyond = Array.from({ length: STACKS_MAX + 3 }, (_, i) => apart(1_000 + i));
  expect(beyond).toEqual([...KEPT, false, false, false]);
  // Those that are known have their own count.
  expect(apart(999)).toBe(true);
});

test("the exit of a crash says that its stack is left out, once the same came ten times", async () => {
  const t = new Bench();
  expect(await t.sup({ intensity: 100 }, [t.w("a", {})])).toBe("ok");
  for (let i = 0; i < STACKS_MAX + 1; i++) {
    const body = (_: AnyContext) => {
      throw new RangeError(`crash ${i}`);
    };
    t.world.send(t.world.control.mail(t.path("a"), "run", body, "", 0));
    await t.settle();
  }
  const stacks = t
    .of("exited")
    .map((event) => (event as { reason: { stack?: string } }).reason.stack);
  expect(stacks).toHaveLength(STACKS_MAX + 1);
  for (const stack of stacks.slice(0, -1)) expect(stack).toContain("stacks.test.ts");
  expect(stacks.at(-1)).toBe(STACK_LEFT_OUT);
});
