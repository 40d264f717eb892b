// Which thread runs what, by path and tree alone.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyBehaviour, actor } from "../../../src/actor/actor.ts";
import type { ChildSpec } from "../../../src/actor/spec.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { CONTROL, Places } from "../../../src/kernel/placement.ts";

const parts = { state: z.null(), messages: {}, init: () => null, on: {} };
const Any = actor("any", parts) as AnyBehaviour as never;
const tree = (...children: ChildSpec[]) => supervisor("app", {}, children);
const spread = (places: Places, paths: string[]) =>
  new Set(paths.map((path) => places.threadOf(path))).size;
const ids = Array.from({ length: 40 }, (_, i) => `a${i}`);

describe("spread", () => {
  const places = new Places(tree(dynamic("pool", {}, Any), child("one", Any)), 4);

  test("uses every scheduler thread, and the same for the same path", () => {
    expect(
      spread(
        places,
        ids.map((id) => `/app/pool/${id}`),
      ),
    ).toBe(4);
    for (const id of ids) expect(places.threadOf(id)).toBe(places.threadOf(id));
    for (const id of ids) expect(places.threadOf(`/app/pool/${id}`)).toBeGreaterThan(0);
  });

  test("leaves supervisors on the control thread, and outside paths where they say", () => {
    expect(places.threadOf("/app", true)).toBe(CONTROL);
    expect(places.threadOf("/app/pool", true)).toBe(CONTROL);
    expect(places.threadOf("~5")).toBe(5);
  });
});

describe("with-parent", () => {
  const together = { placement: "with-parent" } as const;
  const places = new Places(
    tree(
      dynamic("pool", {}, Any, together),
      supervisor(
        "fixed",
        {},
        ids.map((id) => child(id, Any, together)),
      ),
      supervisor("sub", together, [child("x", Any), dynamic("deep", {}, Any)]),
    ),
    4,
  );

  test("whoever was asked for before, the answer is the same", () => {
    const asked = ids.flatMap((id) => [
      `/app/pool/${id}`,
      `/app/pool/${id}/none`,
      `/app/pools/${id}`,
      "/app/pool",
      `/app/fixed/${id}`,
      `/app/other/${id}`,
      `/app/sub/deep/${id}`,
      "/app/sub/x",
    ]);
    const trunk = tree(
      dynamic("pool", {}, Any, together),
      supervisor("fixed", {}, [child("a1", Any, together), child("a2", Any)]),
      dynamic("other", {}, Any, together),
      supervisor("sub", together, [child("x", Any), dynamic("deep", {}, Any)]),
    );
    const used = new Places(trunk, 4);
    for (const path of asked) {
      expect(used.threadOf(path), path).toBe(new Places(trunk, 4).threadOf(path));
    }
  });

  test("children of one supervisor share a thread", () => {
    expect(
      spread(
        places,
        ids.map((id) => `/app/pool/${id}`),
      ),
    ).toBe(1);
    expect(
      spread(
        places,
        ids.map((id) => `/app/fixed/${id}`),
      ),
    ).toBe(1);
  });

  test("a dynamic supervisor is beside them; one with a fixed list is not", () => {
    expect(places.threadOf("/app/pool", true)).toBe(places.threadOf("/app/pool/a1"));
    expect(places.threadOf("/app/pool")).toBe(places.threadOf("/app/pool/a1"));
    expect(places.threadOf("/app/fixed", true)).toBe(CONTROL);
  });

  test("a root is on the control thread, also one whose children are all together", () => {
    const own = new Places(dynamic("app", {}, Any, together), 4);
    expect(own.threadOf("/app", true)).toBe(CONTROL);
    expect(
      spread(
        own,
        ids.map((id) => `/app/${id}`),
      ),
    ).toBe(1);
    expect(own.threadOf("/app/a1")).not.toBe(CONTROL);
  });

  test("a subtree stays together", () => {
    const paths = ["/app/sub/x", "/app/sub/deep", "/app/sub/deep/a", "/app/sub/deep/b"];
    expect(spread(places, paths)).toBe(1);
    expect(places.threadOf("/app/sub", true)).toBe(CONTROL);
  });
});

describe("own-thread", () => {
  const own = { placement: "own-thread" } as const;
  const places = new Places(
    tree(
      child("solo", Any, { ...own, threadHeap: "64mb" }),
      supervisor("tenant", own, [child("x", Any), dynamic("pool", {}, Any)]),
      child("other", Any),
    ),
    2,
  );

  test("numbers follow the scheduler threads", () => {
    expect(places.owned).toBe(2);
    expect(places.threadOf("/app/solo")).toBe(3);
    expect([places.heapOf(3), places.heapOf(4)]).toEqual([64 * 2 ** 20, null]);
    expect(places.threadOf("/app/other")).toBeLessThan(3);
  });

  test("all below shares it, but for supervisors with a fixed list", () => {
    const paths = ["/app/tenant/x", "/app/tenant/pool", "/app/tenant/pool/y"];
    expect(paths.map((path) => places.threadOf(path))).toEqual([4, 4, 4]);
    expect(places.threadOf("/app/tenant", true)).toBe(CONTROL);
  });

  test("is refused for each child of a dynamic supervisor, and a heap without it", () => {
    expect(() => dynamic("d", {}, Any, own)).toThrow(/own thread/);
    expect(() => child("c", Any, { threadHeap: "64mb" })).toThrow(/threadHeap without a thread/);
    expect(() => child("c", Any, { ...own, threadHeap: "1mb" })).toThrow(/outside its limits/);
  });
});

test("what the tree does not know is spread; without threads all is on the control thread", () => {
  const places = new Places(tree(supervisor("s", { placement: "with-parent" }, [])), 3);
  expect(
    spread(
      places,
      ids.map((id) => `/app/s/${id}`),
    ),
  ).toBe(3);
  expect(places.threadOf("/app/unknown/sup", true)).toBe(CONTROL);
  expect(new Places(null, 0).threadOf("/app/x")).toBe(CONTROL);
});
