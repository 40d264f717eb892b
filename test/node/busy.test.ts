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

test("asks from outside are answered, one after the other", async () => {
  const echo = ref("/busy/echo", Echo);
  for (let i = 0; i < 20; i++) {
    expect(await system.ask(echo, "say", i, { timeout: "3s" })).toBe(i);
  }
});

test("it can be looked at, and stopped", async () => {
  const { processes } = await system.inspect.tree();
  expect(processes.map(({ path }) => path)).toContain("/busy/spinner");
  const { handled } = (await system.inspect.show("/busy/spinner")) as unknown as {
    handled: number;
  };
  expect(handled).toBeGreaterThan(0);
});
