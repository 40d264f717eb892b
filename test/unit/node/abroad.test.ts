// Questions that went to other nodes: each has one answer, also when that node is gone.

import { describe, expect, test } from "vitest";
import { Abroad } from "../../../src/node/abroad.ts";

const question = (ask: number) => ({ to: "/a", from: "~5", ask });
const under = (ask: number) => ({ question: question(ask), node: null, late: false });
const at = (ask: number, node: string) => ({ question: question(ask), node, late: false });
const code = (replies: ReturnType<Abroad["members"]>) =>
  replies.map((each) =>
    each.kind === "reply" && !each.answer.ok
      ? [each.to, each.ask, each.answer.code, each.answer.reason]
      : each,
  );
const lost = (ask: number, node: string) => ["~5", ask, "exited", { tag: "node_lost", node }];

describe("questions at other nodes", () => {
  test("a node that is gone answers none of those it had; others wait on", () => {
    const abroad = new Abroad();
    abroad.members(["x", "y"]);
    for (const [ask, node] of [
      [1, "x"],
      [2, "y"],
      [3, "x"],
    ] as const) {
      abroad.asked(under(ask));
      expect(abroad.asked(at(ask, node))).toEqual([]);
    }
    expect(code(abroad.members(["y"]))).toEqual([lost(1, "x"), lost(3, "x")]);
    expect(abroad.members(["y"])).toEqual([]);
    expect(abroad.size).toBe(1);
  });

  test("what has been answered is not answered again, nor kept, in whichever order it is heard", () => {
    const abroad = new Abroad();
    abroad.members(["x"]);
    abroad.asked(under(1));
    abroad.answered({ to: "~5", ask: 1 });
    abroad.asked(at(1, "x"));
    expect([abroad.members([]), abroad.size]).toEqual([[], 0]);
  });

  test("while it is on its way it follows the partition; when nobody hears it in time, it is late", () => {
    const abroad = new Abroad();
    abroad.members(["x"]);
    abroad.asked(under(1));
    expect(abroad.members(["y"])).toEqual([]);
    const late = abroad.asked({ question: question(1), node: null, late: true });
    expect(code(late)).toEqual([["~5", 1, "timeout", undefined]]);
    expect(abroad.size).toBe(0);
  });

  test("a stopped node hears what comes after its lease: it is not waited for until it is back", () => {
    const abroad = new Abroad();
    abroad.members(["x"]);
    abroad.members([]);
    abroad.asked(under(1));
    expect(code(abroad.asked(at(1, "x")))).toEqual([lost(1, "x")]);
    abroad.members(["x"]);
    abroad.asked(under(2));
    expect(abroad.asked(at(2, "x"))).toEqual([]);
  });
});
