// `coppice show`, and acting on a path.

import { describe, expect, test } from "vitest";
import { STACK_LEFT_OUT } from "../../src/actor/exit.ts";
import { processDetail } from "../../src/observe/inspect.ts";
import { cli, errorOf, FakeNode, NOW_MS, ownFolder, row, serve, supervisorRow } from "./stage.ts";

ownFolder();

const node = () => {
  const stack = "TypeError: no market\n    at tick (desk.ts:14)\n    at turn (cell.ts:1)";
  const reason = { tag: "error", name: "TypeError", message: "no market", stack };
  const fake = new FakeNode([
    supervisorRow("/desk", { restarts: 2 }),
    row("/desk/analyst", {
      incarnation: 3,
      mail: 21,
      reductions: 12_345,
      handled: 1_000,
      durable: true,
      lastExit: { reason, atMs: NOW_MS - 90_000 },
    }),
  ]);
  fake.detail = {
    state: '{"total":3}',
    spec: { restart: "permanent", shutdown: 5_000, args: { step: 1 }, tools: [] },
    mailHead: [{ type: "question", from: "/desk/memory", message: '{"text":"why"}' }],
    links: ["/desk/memory"],
    watchers: ["/desk/notifier"],
    timers: 1,
    asks: 2,
    deadLetters: [{ type: "reset", from: "", reason: "bad_message", atMs: NOW_MS - 5_000 }],
  };
  return fake;
};

test("what tool calls have reached, and what they were refused", async () => {
  const fake = node();
  const row = { tool: "fetch", end: "ok", tier: "microvm", atMs: NOW_MS - 5_000, wallMs: 20 };
  const reached = { refused: null, connections: 1, bytesIn: 1_234, bytesOut: 56 };
  const refused = { refused: "it is not granted", connections: 2, bytesIn: 0, bytesOut: 0 };
  const network = [
    { ...reached, to: "api.example:443" },
    ...["a.example:80", "b.example:80", "c.example:80"].map((to) => ({ ...refused, to })),
  ];
  const used = { cpuMs: 3, memoryBytes: null, bytesIn: 7, bytesOut: 8 };
  const last = [{ ...row, ...used, network }];
  const sums = { calls: 1, failed: 0, wallMs: 20, ...used, memoryBytes: 0 };
  fake.detail = { ...fake.detail, tools: { ...sums, last } };
  await serve(fake);
  const { out } = await cli(["show", "/desk/analyst"]);
  expect(out).toContain(
    "api.example:443 1,234 in, 56 out; a.example:80 refused: it is not granted; " +
      "b.example:80 refused: it is not granted; 1 more host",
  );
});

test("a stack that was left out is said to be", async () => {
  const fake = node();
  const { lastExit } = fake.rows[1] as { lastExit: { reason: { stack?: string } } };
  lastExit.reason.stack = STACK_LEFT_OUT;
  await serve(fake);
  expect((await cli(["show", "/desk/analyst"])).out).toContain(STACK_LEFT_OUT);
});

test("an actor in sections", async () => {
  await serve(node());
  const { status, out } = await cli(["show", "/desk/analyst"]);
  expect(status).toBe(0);
  expect(out).toBe(`/desk/analyst  worker  #3  idle  thread 1  durable

now
  mail        21
  handled     1,000 messages
  reductions  12,345
  waits for   2 answers, 1 timer

last exit
  error TypeError: no market, 1m ago
  at tick (desk.ts:14)
  at turn (cell.ts:1)

state
  {
    "total": 3
  }

mail (21 waiting, the first 1)
  question  from /desk/memory  {"text":"why"}

links
  /desk/memory

watched by
  /desk/notifier

dead letters
  reset  from nobody  bad_message  5s ago

spec
  restart   permanent
  shutdown  5000
  args      {"step":1}
  tools     []
`);
});

test("a supervisor has its limit", async () => {
  const fake = node();
  fake.detail = { spec: { id: "desk" } };
  await serve(fake);
  const { out } = await cli(["show", "/desk"]);
  expect(out).toContain("restarts  2 in window, limit 3 in 5s");
});

test("--json is the schema's, and the clock its times refer to", async () => {
  await serve(node());
  const value = JSON.parse((await cli(["show", "/desk/analyst", "--json"])).out);
  expect(processDetail.parse(value)).toMatchObject({ mail: 21, state: '{"total":3}' });
  expect(value.nowMs).toBe(NOW_MS);
});

test("values of any size are cut, a long state by its lines", async () => {
  const fake = node();
  const circle: Record<string, unknown> = { big: 1n };
  const round: Record<string, unknown> = {};
  round.round = round;
  fake.detail.spec = { args: "x".repeat(1_000_000), circle, round };
  fake.detail.state = JSON.stringify(Array.from({ length: 500 }, (_, index) => index));
  await serve(fake);
  const { out, status } = await cli(["show", "/desk/analyst"]);
  expect(status).toBe(0);
  expect(out.length).toBeLessThan(10_000);
  expect(out).toContain("… (1000002 characters)");
  expect(out).toContain("(cannot be shown)");
  expect(out).toContain('{"big":"1n"}');
  expect(out).toContain("… 462 lines more");
});

test("text of an actor stays text", async () => {
  const fake = node();
  const evil = "\u001b[2J\u0007";
  fake.detail.state = JSON.stringify({ [evil]: evil });
  fake.detail.mailHead = [{ type: evil, from: evil, message: evil }];
  fake.detail.spec = { [evil]: evil };
  fake.detail.deadLetters = [{ type: evil, from: evil, reason: evil, atMs: 0 }];
  await serve(fake);
  for (const args of [[], ["--json"]]) {
    const { out } = await cli(["show", "/desk/analyst", ...args]);
    expect(out).not.toContain("\u001b");
    expect(out).toContain("u001b[2J");
  }
});

describe("acting", () => {
  test.each(["stop", "restart", "suspend", "resume", "kill"])("%s", async (command) => {
    const fake = node();
    await serve(fake);
    const outcome = await cli([command, "/desk/analyst"]);
    expect(outcome).toEqual({ status: 0, out: `/desk/analyst done: ${command}\n`, err: "" });
    expect(fake.asked).toEqual([`${command} /desk/analyst`]);
    const json = await cli([command, "/desk/analyst", "--json"]);
    expect(JSON.parse(json.out)).toEqual({ ok: `/desk/analyst done: ${command}` });
  });

  test.each(["show", "stop", "restart", "suspend", "resume", "kill"])(
    "%s of an unknown path",
    async (command) => {
      await serve(node());
      const { status, out, err } = await cli([command, "/desk/nobody"]);
      expect({ status, out }).toEqual({ status: 1, out: "" });
      expect(err).toBe(
        "coppice: E_PATH_UNKNOWN: nothing has the path /desk/nobody (at /apps/desk.ts)\n" +
          "  remedy: coppice tree shows the paths there are\n",
      );
      expect(errorOf(await cli([command, "/desk/nobody", "--json"]))).toMatchObject({
        code: "E_PATH_UNKNOWN",
        at: "/apps/desk.ts",
      });
    },
  );
});
