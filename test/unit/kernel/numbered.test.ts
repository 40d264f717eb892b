// Things by number against the plainest model of it: a Map.
import { expect, test } from "vitest";
import { Numbered } from "../../../src/kernel/numbered.ts";
import { seeded } from "../../../src/sim/random.ts";

test("behaves as a map by number does, also when many are there at a time", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = seeded(seed);
    const numbered = new Numbered<{ id: number }>();
    const model = new Map<number, { id: number }>();
    let lastId = seed * 1_000;
    for (let i = 0; i < 4_000; i++) {
      // Phases of more coming and of more going.
      if (random() < (i % 2_000 < 1_000 ? 0.75 : 0.3)) {
        // Numbers have gaps: others are given out of the same row.
        lastId += 1 + Math.floor(random() * 3);
        const thing = { id: lastId };
        numbered.add(thing);
        model.set(thing.id, thing);
      } else if (model.size > 0) {
        const at = Math.floor(random() * model.size);
        const thing = [...model.values()][at] as { id: number };
        numbered.delete(thing);
        model.delete(thing.id);
        expect(numbered.get(thing.id)).toBeUndefined();
      }
      const wanted = lastId - Math.floor(random() * 600);
      expect(numbered.get(wanted)).toBe(model.get(wanted));
      expect(numbered.size).toBe(model.size);
      if (i % 97 === 0) expect(numbered.list()).toEqual([...model.values()]);
    }
  }
});
