// `coppice tree`: a fake node behind the real server, asked over its real socket.

import { expect, test } from "vitest";
import { nodeView } from "../../src/observe/inspect.ts";
import { cli, FakeNode, NOW_MS, ownFolder, row, serve, supervisorRow } from "./stage.ts";

ownFolder();

const desk = () => [
  supervisorRow("/desk", { runs: "rest_for_one", restarts: 1 }),
  row("/desk/memory", { reductions: 200 }),
  row("/desk/analyst", {
    incarnation: 3,
    status: "parked",
    mail: 4,
    reductions: 1_134,
    lastExit: { reason: { tag: "aborted", sliceMs: 104 }, atMs: NOW_MS - 12_000 },
  }),
  supervisorRow("/desk/pool", { runs: "dynamic", intensity: 1, status: "suspended", mail: 2 }),
  row("/desk/pool/#1", { status: "running" }),
  row("/desk/notifier", { status: "undefined", incarnation: 2 }),
];

test("draws branches, strategy, status, mail, reductions and the last exit", async () => {
  await serve(new FakeNode(desk()));
  const { status, out, err } = await cli(["tree"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toBe(
    [
      "/desk        #1  rest_for_one  3 in 5s             1 restart in window",
      "├─ memory    #1  idle          mail 0   200 red",
      "├─ analyst   #3  parked        mail 4   1.1k red   " +
        "last exit: aborted after 104ms, 12s ago",
      "├─ pool      #1  dynamic       1 in 5s  suspended  mail 2",
      "│  └─ #1     #1  running       mail 0   0 red",
      "└─ notifier  #2  stopped       mail 0   0 red",
      "",
    ].join("\n"),
  );
});

const crowd = (size: number) => [
  supervisorRow("/desk"),
  supervisorRow("/desk/pool", { runs: "dynamic" }),
  ...Array.from({ length: size }, (_, index) => row(`/desk/pool/#${index + 1}`)),
  row("/desk/last"),
];

test("of many dynamic children the first 20 are drawn, and how many there are", async () => {
  await serve(new FakeNode(crowd(1_254)));
  const lines = (await cli(["tree"])).out.trimEnd().split("\n");
  expect(lines).toHaveLength(2 + 20 + 1 + 1);
  expect(lines.at(-3)).toMatch(/^│ {2}├─ #20 /);
  expect(lines.at(-2)).toBe("│  └─ … 1,234 more");
  expect(lines.at(-1)).toMatch(/^└─ last /);
  expect((await cli(["tree", "--all"])).out.trimEnd().split("\n")).toHaveLength(1_257);
});

test("20 dynamic children, or many others, are all drawn", async () => {
  const others = Array.from({ length: 50 }, (_, index) => row(`/desk/w${index}`));
  await serve(new FakeNode([...crowd(20), ...others]));
  const { out } = await cli(["tree"]);
  expect(out).not.toContain("more");
  expect(out.trimEnd().split("\n")).toHaveLength(2 + 20 + 1 + 50);
});

test("--json holds all of it, in the form of the schema", async () => {
  await serve(new FakeNode(crowd(100)));
  const { status, out } = await cli(["tree", "--json"]);
  expect(status).toBe(0);
  const view = nodeView.parse(JSON.parse(out));
  expect(view.processes).toEqual(crowd(100));
  expect(view.omitted).toEqual({});
});

test("lines fit the terminal, whatever is in them", async () => {
  const message = "日本語のメッセージ and \u0301 combining, long enough to be cut off somewhere";
  const lastExit = { reason: { tag: "error", name: "E", message }, atMs: NOW_MS };
  await serve(new FakeNode([supervisorRow("/desk"), row("/desk/a", { lastExit })]));
  for (const columns of [20, 59, 60, 61, 80]) {
    const { out } = await cli(["tree"], { terminal: { columns, rows: 24 } });
    for (const line of out.trimEnd().split("\n")) {
      const wide = line.match(/[\u3000-\u9fff]/g)?.length ?? 0;
      const none = line.match(/\u0301/g)?.length ?? 0;
      expect(line.length + wide - none).toBeLessThanOrEqual(columns);
    }
  }
});

test("colours only where they are wanted", async () => {
  await serve(new FakeNode(desk()));
  const terminal = { columns: 200, rows: 24 };
  expect((await cli(["tree"], { terminal })).out).not.toContain("\u001b");
  const { out } = await cli(["tree"], { terminal, colour: true });
  expect(out).toContain("\u001b[33msuspended\u001b[0m");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: takes the colours out again
  const plain = out.replace(/\u001b\[\d*m/g, "");
  expect(plain).toBe((await cli(["tree"], { terminal })).out);
});

test("no text of an actor steers the terminal", async () => {
  const evil = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202Eabc\r\nfake\u2028line";
  const reason = { tag: "error", name: evil, message: evil };
  const rows = [
    supervisorRow(`/${evil}`, { runs: evil, status: evil }),
    row(`/${evil}/${evil}`, { status: evil, lastExit: { reason, atMs: 0 } }),
  ];
  await serve(new FakeNode(rows), { app: evil, data: `/${evil}` });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/;
  for (const args of [["tree"], ["tree", "--json"], ["doctor"], ["top", "--window", "100ms"]]) {
    const { out, err, status } = await cli(args);
    expect(status).toBe(0);
    expect(out + err).not.toMatch(control);
  }
  expect((await cli(["tree"])).out.split("\n")).toHaveLength(3);
});

test("an exit reason of another version is shown as well as it can be", async () => {
  const unknown = { tag: "sold", price: 3 };
  const broken = { tag: "linked", to: "/x" };
  const rows = [
    supervisorRow("/desk", { lastExit: { reason: unknown, atMs: NOW_MS - 3_600_000 } }),
    row("/desk/a", { lastExit: { reason: broken, atMs: NOW_MS } }),
  ];
  await serve(new FakeNode(rows));
  const { out } = await cli(["tree"]);
  expect(out).toContain('last exit: {"tag":"sold","price":3}, 1h ago');
  expect(out).toContain("last exit: linked, 0ms ago");
});
