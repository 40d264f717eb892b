// A table of values by life is a Map of them, in less memory.
import { expect, test } from "vitest";
import { Lives } from "../../../src/kernel/lives.ts";
import { seeded } from "../../../src/sim/random.ts";

test("whatever is added, taken out and looked for: as a Map of the same", () => {
  const random = seeded(11);
  const lives = new Lives<{ life: number }>();
  const model = new Map<number, { life: number }>();
  let last = 0;
  for (let round = 0; round < 20_000; round++) {
    // It grows, shrinks to almost nothing, and grows again.
    if (random() < (Math.floor(round / 4_000) % 2 === 0 ? 0.8 : 0.2)) {
      last += 1 + Math.floor(random() * 3);
      const value = { life: last };
      lives.add(value);
      model.set(last, value);
    } else {
      const known = [...model.keys()];
      const life = random() < 0.9 ? known[Math.floor(random() * known.length)] : last + 1;
      lives.delete(life ?? 1);
      model.delete(life ?? 1);
    }
    const looked = 1 + Math.floor(random() * (last + 2));
    expect(lives.get(looked)).toBe(model.get(looked));
    expect(lives.size).toBe(model.size);
    if (round % 1_000 === 0) expect(lives.values()).toEqual([...model.values()]);
  }
});

test("of nobody", () => {
  const lives = new Lives<{ life: number }>();
  expect(lives.get(1)).toBeUndefined();
  lives.delete(1);
  expect([lives.size, lives.values()]).toEqual([0, []]);
});
