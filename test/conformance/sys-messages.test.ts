// sys_SUITE: suspending, tracing, looking. Signals here; get_state waits behind mail as in OTP.
import { expect, test } from "vitest";
import { detail } from "../../src/kernel/inspect.ts";
import { Bench, err, shut, terminate } from "./harness.ts";
import { told } from "./server-harness.ts";

test("SYS-004 trace: every handled message is an event while it happens", async () => {
  const t = new Bench({ trace: true });
  await t.sup({}, [t.w("a"), t.w("b")]);
  await t.run("a", (ctx) => ctx.tell(t.ref("b"), "nap", 0));
  expect(t.of("handled").map(({ path, message, from }) => [path, message, from])).toEqual([
    ["/s/a", "run", ""],
    ["/s/b", "nap", "/s/a"],
  ]);
  const quiet = new Bench();
  await quiet.sup({}, [quiet.w("a")]);
  await quiet.run("a", () => {});
  expect(quiet.of("handled")).toEqual([]);
});

test("SYS-005 suspend: calls time out, mail keeps its order, one resume undoes many suspends", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("a")]);
  const seen: string[] = [];
  await t.suspend("a");
  await t.suspend("a");
  expect(detail(t.world.control, "/s/a")?.status).toBe("suspended");
  expect(told(await t.ask("a", "eval", () => "late", 500))).toBe("timeout");
  expect(t.now).toBe(500);
  for (const text of ["one", "two", "three"]) await t.run("a", () => void seen.push(text));
  expect(await t.state("a")).toBeNull();
  expect(seen).toEqual([]);
  await t.resume("a");
  expect(seen).toEqual(["one", "two", "three"]);
  expect(detail(t.world.control, "/s/a")?.status).toBe("idle");
  await t.resume("a");
  expect(told(await t.ask("a", "eval", () => "here"))).toBe("here");
});

test("SYS-005 suspend: a handler that waits goes on; the next message does not begin", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("a")]);
  const seen: string[] = [];
  await t.run("a", async (ctx) => {
    await ctx.step("wait", () => new Promise(() => {}), { timeout: 10 }).catch(() => {});
    seen.push("first");
  });
  await t.run("a", () => void seen.push("second"));
  await t.suspend("a");
  await t.advance(100);
  expect(seen).toEqual(["first"]);
  await t.resume("a");
  expect(seen).toEqual(["first", "second"]);
});

test("SYS-005 suspend: kills, exits and the supervisor's stop work all the same", async () => {
  const t = new Bench();
  const specs = [t.w("a", { trap: true }), t.w("b"), t.w("c"), t.w("d", { exit: true })];
  await t.sup({ intensity: 9 }, specs);
  for (const id of ["a", "b", "c", "d"]) await t.suspend(id);
  await t.run("a", () => {});
  expect(await t.admin(terminate("a"))).toEqual({ ok: null });
  expect([t.now, t.log.at(-2)]).toEqual([0, "terminate a shutdown"]);
  await t.kill("b");
  await t.exit("c", err("signal"));
  await t.exit("d", err("news"));
  expect([t.down("b"), t.down("c"), t.notices]).toEqual([
    "killed by operator",
    "error Test: signal",
    [],
  ]);
  await t.resume("d");
  expect(t.notices).toEqual(["d exit  error Test: news"]);
  await t.suspend("d");
  await t.stop("d", shut("over"));
  expect(t.down("d")).toBe('shutdown "over"');
});
