// A thread that always has work still hears from the others: after each slice everybody has a turn.
import { ref, type System, start } from "coppice";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Echo, Spinner } from "./fixtures/spinner.ts";

let system: System;

beforeEach(async () => {
  system = await start(new URL("./fixtures/spinner.ts", import.meta.url), {
    threads: 1,
    inspect: false,
    log: "error",
  });
  system.tell(ref("/busy/spinner", Spinner), "spin", {});
});
afterEach(() => system.stop());

// An ask that had to wait for a thousand slices would take 8 s of the thread's time: so many do not
// fit the time of a test, on any machine.
test("asks from outside are answered, one after the other", async () => {
  const echo = ref("/busy/echo", Echo);
  for (let i = 0; i < 60; i++) {
    expect(await system.ask(echo, "say", i, { timeout: "240s" })).toBe(i);
  }
});

test("it can be looked at, and stopped", async () => {
  const paths = async () => (await system.inspect.tree()).processes.map(({ path }) => path);
  await expect.poll(paths).toContain("/busy/spinner");
  // (A thread that does not answer in two seconds is left out.)
  const shown = () => system.inspect.show("/busy/spinner").catch(() => null);
  const handled = async () => ((await shown()) as { handled: number } | null)?.handled;
  await expect.poll(handled).toBeGreaterThan(0);
});
