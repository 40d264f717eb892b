// The timer heap: order, cancelling, and that cancelled timers do not stay.
import { expect, test } from "vitest";
import { type TimerEntry, Timers } from "../../../src/kernel/timers.ts";
import { seeded } from "../../../src/sim/random.ts";

test("fires by due time, and in the order of setting when times are equal", () => {
  const timers = new Timers();
  const fired: string[] = [];
  const set = (ms: number, name: string) => timers.add(ms, () => fired.push(name));
  set(20, "d");
  set(10, "a");
  set(10, "b");
  set(5, "first");
  set(10, "c");
  expect(timers.next()).toBe(5);
  expect(timers.fireDue(4)).toBe(0);
  expect(timers.fireDue(10)).toBe(4);
  expect(fired).toEqual(["first", "a", "b", "c"]);
  expect(timers.next()).toBe(20);
  expect(timers.fireDue(1_000)).toBe(1);
  expect(timers.next()).toBeNull();
  expect(timers.size).toBe(0);
});

test("cancel says whether it came in time", () => {
  const timers = new Timers();
  let fired = 0;
  const one = timers.add(10, () => fired++);
  const two = timers.add(10, () => fired++);
  expect(timers.cancel(one)).toBe(true);
  expect(timers.cancel(one)).toBe(false);
  expect(timers.fireDue(10)).toBe(1);
  expect(timers.cancel(two)).toBe(false);
  expect(fired).toBe(1);
  expect(timers.size).toBe(0);
});

test("a timer may set and cancel others while it fires", () => {
  const timers = new Timers();
  const fired: string[] = [];
  const victim = timers.add(11, () => fired.push("victim"));
  timers.add(10, () => {
    fired.push("a");
    timers.cancel(victim);
    timers.add(10, () => fired.push("same time"));
    timers.add(12, () => fired.push("later"));
  });
  expect(timers.fireDue(11)).toBe(2);
  expect(fired).toEqual(["a", "same time"]);
  expect(timers.fireDue(12)).toBe(1);
  expect(fired.at(-1)).toBe("later");
});

test("cancelled timers leave in the mass, and the order stays", () => {
  const timers = new Timers();
  const random = seeded(7);
  const fired: number[] = [];
  const entries: { ms: number; entry: TimerEntry }[] = [];
  for (let i = 0; i < 5_000; i++) {
    const ms = Math.floor(random() * 1_000);
    entries.push({ ms, entry: timers.add(ms, () => fired.push(ms)) });
  }
  const kept = entries.filter(({ entry }, i) => i % 10 === 0 || !timers.cancel(entry));
  expect(timers.size).toBe(500);
  timers.fireDue(1_000);
  expect(fired).toEqual(kept.map(({ ms }) => ms).sort((a, b) => a - b));
});

/** Timers against a sorted list, with compaction happening on the way. */
function compare(seed: number): void {
  const random = seeded(seed);
  const timers = new Timers();
  const fired: number[] = [];
  let model: { id: number; ms: number; entry: TimerEntry }[] = [];
  let now = 0;
  for (let id = 0; id < 1_500; id++) {
    const dice = random();
    if (dice < 0.6) {
      const ms = now + Math.floor(random() * 300);
      model.push({ id, ms, entry: timers.add(ms, () => fired.push(id)) });
    } else if (dice < 0.95) {
      const [victim] = model.splice(Math.floor(random() * model.length), 1);
      if (victim) expect(timers.cancel(victim.entry)).toBe(true);
    } else {
      now += Math.floor(random() * 40);
      const due = model.filter(({ ms }) => ms <= now).sort((a, b) => a.ms - b.ms || a.id - b.id);
      model = model.filter(({ ms }) => ms > now);
      fired.length = 0;
      expect(timers.fireDue(now)).toBe(due.length);
      expect(fired).toEqual(due.map((each) => each.id));
    }
    expect(timers.size).toBe(model.length);
    expect(timers.next()).toBe(model.length ? Math.min(...model.map(({ ms }) => ms)) : null);
  }
}

test("behaves as a sorted list does", () => {
  for (let seed = 1; seed <= 8; seed++) compare(seed);
});
