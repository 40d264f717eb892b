/** What crosses threads of a real node: how much, in which order, and what cannot. */
import { ref, type System, start } from "coppice";
import { afterEach, expect, test } from "vitest";
import { FAR, GATE, Gate, NEAR, Reader, Sender } from "./fixtures/flood.ts";

let system: System | null = null;
afterEach(async () => {
  await system?.stop();
  system = null;
});

test("a sender to a full mailbox on another thread rests: nothing is lost", async () => {
  const dead: string[] = [];
  const muted = new Set<string>();
  system = await start(new URL("./fixtures/flood.ts", import.meta.url), {
    threads: 2,
    log: "silent",
    inspect: false,
    onEvent: (event) => {
      if (event.type === "dead_letter") dead.push(event.message);
      if (event.type === "muted") muted.add(event.by);
    },
  });
  const count = 60_000;
  const reader = ref(`/flood/${FAR}`, Reader);
  system.tell(reader, "pause", null);
  system.tell(ref(`/flood/${NEAR}`, Sender), "flood", { from: 0, to: count });
  await expect.poll(() => [...muted]).toContain(`/flood/${FAR}`);
  system.tell(ref(`/flood/${GATE}`, Gate), "open", null);
  const read = async () => system?.ask(reader, "read", null, { timeout: "30s" });
  // A question may find the mailbox full: who asks from outside cannot rest.
  await expect.poll(() => read().catch(() => 0)).toBe(count);
  expect(dead.filter((message) => message !== "read")).toEqual([]);
});
