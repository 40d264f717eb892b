// Partitions: who is with whom, that paths never move, and how nodes share them.

import { expect, test } from "vitest";
import {
  partitionOf,
  partitionOfChildren,
  preferred,
  TRUNK,
} from "../../../src/store/partition.ts";

const spread = { partitions: 64, dynamic: ["/a/rooms", "/a/b/teams"] };

test("the trunk is together; each dynamic child is on its own, with all under it", () => {
  for (const path of ["/a", "/a/clerk", "/a/b", "/a/b/teams", "/a/rooms", "/a/roomsful/x"]) {
    expect(partitionOf(path, spread), path).toBe(TRUNK);
  }
  const team = partitionOf("/a/b/teams/t1", spread);
  expect(partitionOf("/a/b/teams/t1/lead", spread)).toBe(team);
  expect(partitionOf("/a/b/teams/t1/rooms/r", spread)).toBe(team);
  const rooms = Array.from({ length: 1_000 }, (_, n) => partitionOf(`/a/rooms/${n}`, spread));
  expect(new Set(rooms).size).toBe(64);
});

test("a partition is for ever: stored actors lie where it says", () => {
  const paths = ["/a/rooms/1", "/a/rooms/ada", "/a/b/teams/é", "/a/rooms/#12"];
  expect(paths.map((path) => partitionOf(path, spread))).toMatchInlineSnapshot(`
    [
      53,
      7,
      17,
      12,
    ]
  `);
  expect(partitionOf("/x", { partitions: 5, dynamic: null })).toBe(
    partitionOf("/x", { partitions: 5, dynamic: null }),
  );
});

test("children of a dynamic supervisor are anywhere, others where their unit is", () => {
  expect(partitionOfChildren("/a/rooms", spread)).toBeNull();
  expect(partitionOfChildren("/a", spread)).toBe(TRUNK);
  expect(partitionOfChildren("/a/b/teams/t1", spread)).toBe(partitionOf("/a/b/teams/t1", spread));
  expect(partitionOfChildren("/a", { partitions: 5, dynamic: null })).toBeNull();
});

test("who comes takes a share, who goes leaves his: nothing else moves", () => {
  const all = Array.from({ length: 256 }, (_, n) => n);
  const holders = (nodes: string[]) => all.map((each) => preferred(each, nodes));
  const [two, three] = [holders(["1-a", "2-b"]), holders(["1-a", "2-b", "3-c"])];
  const moved = all.filter((each) => two[each] !== three[each]);
  expect(moved.every((each) => three[each] === "3-c")).toBe(true);
  for (const node of ["1-a", "2-b", "3-c"]) {
    const share = three.filter((each) => each === node).length;
    expect(share, node).toBeGreaterThan(256 / 3 / 2);
  }
  expect(holders(["2-b", "1-a"])).toEqual(two);
  expect(preferred(0, [])).toBeNull();
});
