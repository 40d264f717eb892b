// `coppice nodes`: who holds what, as one node of the app has it.

import { expect, test } from "vitest";
import { cli, FakeNode, ownFolder, serve, supervisorRow } from "./stage.ts";

ownFolder();

const since = "2026-11-21T09:42:11.120Z";
const member = (node: string, pid: number, held: number[]) => ({
  ...{ node, host: "ada", pid, since, held },
});

test("shows each node with its partitions, what is weak and the last trouble", async () => {
  const fake = new FakeNode([supervisorRow("/desk")]);
  fake.cluster = {
    ...{ node: "2-b", partitions: 8, held: [3, 5] },
    members: [
      member("1-a", 11, [0, 1, 2, 6, 7]),
      member("2-b", 22, [3, 4, 5]),
      member("3-c", 33, []),
    ],
    weak: ["appendfsync is everysec"],
    trouble: { why: "Connection is closed.", at: since },
  };
  await serve(fake);
  const { status, out } = await cli(["nodes"]);
  expect(status).toBe(0);
  const lines = out.split("\n").map((line) => line.replace(/ {2,}/g, "  ").trimEnd());
  expect(lines).toEqual([
    "NODE  HOST  PID  SINCE  HOLDS",
    `1-a  ada  11  ${since}  5 of 8: 0-2 6-7`,
    // Of itself it knows what is true now.
    `2-b  ada  22  ${since}  2 of 8: 3 5  (this one)`,
    `3-c  ada  33  ${since}  0 of 8`,
    "weak: appendfsync is everysec",
    `last trouble, ${since}: Connection is closed.`,
    "",
  ]);
  const json = await cli(["nodes", "--json"]);
  expect(JSON.parse(json.out)).toEqual(fake.cluster);
});

test("a node whose store is its own has no others", async () => {
  await serve(new FakeNode([supervisorRow("/desk")]));
  const { status, err } = await cli(["nodes"]);
  expect(status).toBe(2);
  expect(err).toMatch(/E_USAGE: the store memory is one node's/);
});
