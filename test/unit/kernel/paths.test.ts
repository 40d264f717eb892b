// Who is whose child, by path; and that it is remembered for the right one.
import { expect, test } from "vitest";
import { supervisor } from "../../../src/actor/spec.ts";
import { isChildOf, parentOf } from "../../../src/kernel/paths.ts";
import { Bench } from "../../conformance/harness.ts";

test("a child is one step below its supervisor, no more and no less", () => {
  for (const path of ["/app/pool/#1", "/app/pool", "/app"]) {
    expect(isChildOf(path, parentOf(path))).toBe(true);
  }
  for (const other of ["/app/pool/#1", "/app/poo", "/app/pool/", "/app", "", "/app/pond"]) {
    expect(isChildOf("/app/pool/#1", other)).toBe(false);
  }
  expect(isChildOf("/app/pool/sub/x", "/app/pool")).toBe(false);
  expect(isChildOf("/app/pools/x", "/app/pool")).toBe(false);
});

test("one child spec below two supervisors: each is told of its own child", async () => {
  const t = new Bench();
  const twin = t.w("twin", {});
  const left = supervisor("left", { intensity: 5 }, [twin]);
  const right = supervisor("right", { intensity: 5 }, [twin]);
  expect(await t.sup({ intensity: 5 }, [left, right])).toBe("ok");
  for (const side of ["left", "right", "left"]) {
    t.exit(`${side}/twin`, { tag: "error", name: "E", message: side });
    await t.advance(1);
  }
  const restarts = t.of("child_started").filter(({ cause }) => cause === "restart");
  expect(restarts.map(({ path }) => path)).toEqual(
    ["left", "right", "left"].map((side) => t.path(`${side}/twin`)),
  );
});
