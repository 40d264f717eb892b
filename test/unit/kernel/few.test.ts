// Small sets and maps against the plainest models of them: a Set and a Map.
import { expect, test } from "vitest";
import { Few, FewBy } from "../../../src/kernel/few.ts";
import { seeded } from "../../../src/sim/random.ts";

test("behaves as a Set does, with none, one and many", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const few = new Few<number>();
    const model = new Set<number>();
    for (let i = 0; i < 500; i++) {
      // (0 is a thing as any other.)
      const thing = Math.floor(random() * 4);
      const dice = random();
      if (dice < 0.5) {
        few.add(thing);
        model.add(thing);
      } else if (dice < 0.98) {
        expect(few.delete(thing)).toBe(model.delete(thing));
      } else {
        few.clear();
        model.clear();
      }
      expect(few.has(thing)).toBe(model.has(thing));
      expect(few.size).toBe(model.size);
      expect([...few]).toEqual([...model]);
    }
  }
});

test("behaves as a Map does", () => {
  const random = seeded(3);
  const few = new FewBy<number, string>();
  const model = new Map<number, string>();
  for (let i = 0; i < 2_000; i++) {
    const key = Math.floor(random() * 4);
    const dice = random();
    if (dice < 0.5) {
      few.set(key, `v${i}`);
      model.set(key, `v${i}`);
    } else if (dice < 0.98) {
      expect(few.delete(key)).toBe(model.delete(key));
    } else {
      few.clear();
      model.clear();
    }
    expect(few.get(key)).toBe(model.get(key));
    expect(few.has(key)).toBe(model.has(key));
    expect(few.size).toBe(model.size);
    expect([...few]).toEqual([...model]);
    expect([...few.keys()]).toEqual([...model.keys()]);
    expect([...few.values()]).toEqual([...model.values()]);
  }
});
