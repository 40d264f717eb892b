// `coppice dead`: what it asks the node for, and how it draws the answers.

import { expect, test } from "vitest";
import { ActorError } from "../../src/actor/errors.ts";
import type { LetterView } from "../../src/observe/inspect.ts";
import { cli, errorOf, FakeNode, ownFolder, serve } from "./stage.ts";

ownFolder();

const letter = (id: string, more: Partial<LetterView> = {}): LetterView => ({
  ...{ id, at: new Date(Date.now() - 90_500).toISOString(), to: "/desk/a", from: "", type: "add" },
  ...{ reason: "no_actor", attempts: 0, message: '{"by":\u001b[1}' },
  ...more,
});

async function node(letters: LetterView[]): Promise<FakeNode> {
  const fake = new FakeNode([]);
  fake.dead = (asked) => {
    const one = "letter" in asked ? letters.filter(({ id }) => id === asked.letter) : letters;
    if ("letter" in asked && asked.letter !== null && one.length === 0) {
      throw new ActorError("E_LETTER_UNKNOWN", `there is no dead letter ${asked.letter}`);
    }
    return { total: one.length, silent: 0, letters: one };
  };
  await serve(fake);
  return fake;
}

test("the list, one line each", async () => {
  const fake = await node([letter("s1", { from: "/desk/b", reason: "killed" }), letter("2.14")]);
  const { status, out } = await cli(["dead"]);
  expect([status, out]).toEqual([
    0,
    `s1    1m ago  /desk/a  add  from /desk/b  killed
2.14  1m ago  /desk/a  add  from nobody   no_actor
2 dead letters
`,
  ]);
  await cli(["dead", "/desk/a"]);
  expect(fake.asked).toEqual(['{"do":"list"}', '{"do":"list","path":"/desk/a"}']);
  const json = JSON.parse((await cli(["dead", "--json"])).out);
  expect(json.letters.map(({ id }: LetterView) => id)).toEqual(["s1", "2.14"]);
});

test("what is missing is said", async () => {
  const fake = await node([]);
  fake.dead = () => ({ total: 1_500, silent: 1, letters: [letter("s1")] });
  const { out } = await cli(["dead"]);
  expect(out).toContain("1 thread did not answer\n1,500 dead letters, 1 of them shown\n");
});

test("one in full; its message cannot steer a terminal", async () => {
  await node([letter("s1", { attempts: 3 })]);
  const { out } = await cli(["dead", "show", "s1"]);
  expect(out).toMatch(/^letter {6}s1\nto {10}\/desk\/a\n/);
  expect(out).toContain("deliveries  3\n");
  expect(out).toContain('{"by":\\u001b[1}');
  expect(JSON.parse((await cli(["dead", "show", "s1", "--json"])).out)).toMatchObject({ id: "s1" });
  const unknown = await cli(["dead", "show", "s9", "--json"]);
  expect([unknown.status, errorOf(unknown).code]).toEqual([1, "E_LETTER_UNKNOWN"]);
});

test("replay: one, all, or those to one actor, not faster than asked", async () => {
  const fake = await node([letter("s1"), letter("s2"), letter("1.3")]);
  expect((await cli(["dead", "replay", "s2"])).out).toBe("1 dead letter replayed\n");
  expect(fake.asked.splice(0)).toEqual(['{"do":"replay","letter":"s2"}']);
  const began = performance.now();
  expect((await cli(["dead", "replay", "--all", "--rate", "20/s"])).out).toBe(
    "3 dead letters replayed\n",
  );
  // At least: however slow the machine is, it is never faster than the rate.
  expect(performance.now() - began).toBeGreaterThanOrEqual(95);
  expect(fake.asked.splice(0).slice(1)).toEqual(
    ["s1", "s2", "1.3"].map((letter) => JSON.stringify({ do: "replay", letter })),
  );
  await cli(["dead", "replay", "--path", "/desk/a"]);
  expect(fake.asked[0]).toBe('{"do":"list","path":"/desk/a"}');
});

test("replaying many goes on behind one that stays, and says so", async () => {
  const fake = await node([letter("s1"), letter("s2")]);
  const { dead } = fake;
  fake.dead = (asked) => {
    if (asked.do !== "replay" || asked.letter === "s2") return dead(asked);
    throw new ActorError("no_actor", "/desk/a is not known to the store");
  };
  const { status, out } = await cli(["dead", "replay", "--all"]);
  expect([status, out]).toEqual([
    1,
    "s1 stays: /desk/a is not known to the store\n1 dead letter replayed\n",
  ]);
});

test("drop: one, or all", async () => {
  const fake = await node([letter("s1"), letter("s2")]);
  expect((await cli(["dead", "drop", "s1"])).out).toBe("1 dead letter dropped\n");
  await cli(["dead", "drop", "--all"]);
  expect(fake.asked).toEqual(['{"do":"drop","letter":"s1"}', '{"do":"drop","letter":null}']);
});

test.each([
  "show",
  "replay",
  "drop",
  "show s1 s2",
  "drop --path /a",
  "drop s1 --all",
  "replay s1 --path /a",
  "replay --all --rate fast",
  "replay --all --rate 0/s",
  "drop --all --rate 5/s",
  "lost s1",
  "lost",
  "/a s1",
  "--all",
])("dead %s is not understood, and nothing is asked", async (line) => {
  const fake = await node([]);
  const outcome = await cli(["dead", ...line.split(" ")]);
  expect([outcome.status, outcome.out, fake.asked]).toEqual([2, "", []]);
  expect(outcome.err).toContain("E_USAGE");
});
