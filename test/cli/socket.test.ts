// The inspection server, seen by hostile, clumsy and impatient clients.

import { readdirSync, statSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { expect, test } from "vitest";
import { boundTree } from "../../src/observe/bounds.ts";
import { answer, nodeView, serveInspection } from "../../src/observe/inspect.ts";
import { cli, FakeNode, ownFolder, row, serve, supervisorRow } from "./stage.ts";

const own = ownFolder();

const desk = () => new FakeNode([supervisorRow("/desk"), row("/desk/a")]);

/** Sends bytes, half-closes, and returns all answers until the server closes too. */
function converse(socket: string, bytes: string | Buffer): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    let text = "";
    const client = createConnection({ path: socket, allowHalfOpen: true });
    client.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
    client.on("error", reject);
    client.on("end", () => {
      client.end();
      resolve(
        text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => answer.parse(JSON.parse(line))),
      );
    });
    client.end(bytes);
  });
}

const error = (id: number, code: string) => ({ id, error: expect.objectContaining({ code }) });

test("many requests in one packet are answered in order; no last line end is needed", async () => {
  const socket = await serve(desk());
  const lines = [
    '{"id":1,"command":"show","path":"/desk/a"}',
    "",
    '{"id":2,"command":"kill","path":"/desk/a"}',
    '{"id":3,"command":"show","path":"/x"}',
  ];
  expect(await converse(socket, lines.join("\n"))).toEqual([
    { id: 1, ok: expect.objectContaining({ path: "/desk/a" }) },
    { id: 2, ok: "/desk/a done: kill" },
    error(3, "E_PATH_UNKNOWN"),
  ]);
});

test.each([
  ["no JSON", "hello\n", [error(0, "E_USAGE")]],
  ["no object", "null\n[]\n1\n", [0, 0, 0].map((id) => error(id, "E_USAGE"))],
  ["no command", '{"id":7}\n', [error(7, "E_USAGE")]],
  ["a strange command", '{"id":7,"command":"__proto__"}\n', [error(7, "E_USAGE")]],
  ["a path that is none", '{"id":7,"command":"kill","path":{}}\n', [error(7, "E_USAGE")]],
  ["a negative limit", '{"id":7,"command":"tree","childrenMax":-1}\n', [error(7, "E_USAGE")]],
  ["an id that is none", '{"id":"x","command":"tree"}\n', [error(0, "E_USAGE")]],
  ["bytes that are no text", Buffer.from([0xff, 0, 0xfe, 10]), [error(0, "E_USAGE")]],
  ["deep nesting", `${"[".repeat(60_000)}\n`, [error(0, "E_USAGE")]],
  ["nothing", "", []],
])("%s", async (_what, bytes, expected) => {
  const fake = desk();
  const socket = await serve(fake);
  expect(await converse(socket, bytes)).toEqual(expected);
  expect(fake.asked).toEqual([]);
  expect((await cli(["tree"])).status).toBe(0);
});

test("a request without an end is cut off at the limit", async () => {
  const socket = await serve(desk());
  expect(await converse(socket, "x".repeat(70_000))).toEqual([error(0, "E_USAGE")]);
  const endless = createConnection(socket);
  const closed = new Promise((resolve) => endless.once("close", resolve));
  const feed = () => {
    while (!endless.destroyed && endless.write("x".repeat(65_536)));
  };
  endless.on("drain", feed).on("error", () => {});
  endless.resume();
  feed();
  await closed;
  expect((await cli(["tree"])).status).toBe(0);
});

test("clients that leave in the middle, or never speak, harm nobody", async () => {
  const fake = desk();
  const socket = await serve(fake);
  const gate = Promise.withResolvers<void>();
  fake.before = () => gate.promise;
  const clients: Socket[] = [];
  for (let each = 0; each < 50; each++) {
    const client = createConnection(socket).on("error", () => {});
    clients.push(client);
    await new Promise((resolve) => client.once("connect", resolve));
    if (each % 3 === 0) client.write('{"id":1,"command":"tree"}\n');
    if (each % 3 === 1) client.write('{"id":1,"comm');
  }
  for (const [index, client] of clients.entries()) if (index % 2 === 0) client.destroy();
  gate.resolve();
  expect((await cli(["tree"])).status).toBe(0);
  for (const client of clients) client.destroy();
});

test("many clients at once are all answered, and are one question to the node", async () => {
  const fake = desk();
  const socket = await serve(fake);
  const gate = Promise.withResolvers<void>();
  fake.before = () => gate.promise;
  const connect = async () => {
    const client = createConnection(socket);
    await new Promise((resolve) => client.once("connect", resolve));
    return client;
  };
  const clients = await Promise.all(Array.from({ length: 40 }, connect));
  const first = (client: Socket) =>
    new Promise<string>((resolve) => {
      let text = "";
      client.setEncoding("utf8").on("data", (part) => {
        text += part;
        if (text.endsWith("\n")) resolve(text);
      });
    });
  const answers = clients.map(first);
  for (const client of clients) client.write('{"id":1,"command":"tree"}\n');
  // All have asked when this process has looked at its sockets.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  for (const text of await Promise.all(answers)) {
    expect(JSON.parse(text).ok.processes).toHaveLength(2);
  }
  expect(fake.asked.length).toBeLessThanOrEqual(2);
  for (const client of clients) client.destroy();
});

test("a client that does not read is not answered without end", async () => {
  const fake = new FakeNode([
    supervisorRow("/desk"),
    ...Array.from({ length: 2_000 }, (_, index) => row(`/desk/w${index}`)),
  ]);
  const socket = await serve(fake);
  const client = createConnection(socket);
  client.pause();
  client.write('{"id":1,"command":"tree"}\n'.repeat(1_000));
  await expect.poll(() => fake.asked.length).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(fake.asked.length).toBeLessThan(50);
  expect((await cli(["tree"])).status).toBe(0);
  client.destroy();
});

test("a node's own failures are answers too", async () => {
  const fake = desk();
  const socket = await serve(fake);
  const thrown: unknown[] = [new TypeError("bad\u001b[2J"), "a string", undefined];
  fake.before = () => {
    throw thrown.shift();
  };
  const ask = '{"id":1,"command":"tree"}\n';
  expect(await converse(socket, ask.repeat(3))).toEqual([
    { id: 1, error: { code: "E_INTERNAL", message: "bad\u001b[2J" } },
    error(1, "E_INTERNAL"),
    error(1, "E_INTERNAL"),
  ]);
  fake.before = () => {
    throw new TypeError("bad\u001b[2J");
  };
  const { status, err } = await cli(["tree"]);
  expect(status).toBe(1);
  expect(err).toBe("coppice: E_INTERNAL: bad\\u001b[2J\n");
});

test("a tree is cut to size, and says what it left out", () => {
  const rows = [
    supervisorRow("/desk"),
    supervisorRow("/desk/pool", { runs: "dynamic" }),
    ...Array.from({ length: 600 }, (_, index) => row(`/desk/pool/#${index}`)),
    supervisorRow("/desk/deep", { runs: "dynamic" }),
    ...Array.from({ length: 30 }, (_, index) => [
      supervisorRow(`/desk/deep/#${index}`),
      row(`/desk/deep/#${index}/inner`),
    ]).flat(),
  ];
  const view = { processes: rows } as never;
  const cut = boundTree(view, Number.POSITIVE_INFINITY, 100);
  expect(cut.processes.length).toBeLessThanOrEqual(100);
  expect(cut.processes.length).toBeGreaterThan(50);
  const left = Object.values(cut.omitted ?? {}).reduce((sum, each) => sum + each, 0);
  expect(left).toBeGreaterThan(500);
  // No row without its supervisor.
  const paths = new Set(cut.processes.map((each) => each.path));
  for (const { path } of cut.processes.slice(1)) {
    expect(paths).toContain(path.slice(0, path.lastIndexOf("/")));
  }
  expect(boundTree(view, 0).omitted).toEqual({ "/desk/pool": 600, "/desk/deep": 30 });
});

test("reasons in a tree are short, without stacks", async () => {
  const long = "x".repeat(100_000);
  const error = { tag: "error", name: long, message: long, stack: long, cause: { tag: "normal" } };
  let reason: { tag: string } = error;
  for (let depth = 0; depth < 50; depth++) reason = { tag: "linked", to: long, reason } as never;
  const socket = await serve(
    new FakeNode([supervisorRow("/desk", { lastExit: { reason, atMs: 1 } })]),
  );
  const [given] = await converse(socket, '{"id":1,"command":"tree"}\n');
  expect(JSON.stringify(given).length).toBeLessThan(4_000);
  nodeView.parse((given as { ok: unknown }).ok);
  expect((await cli(["tree"])).status).toBe(0);
});

test("only its user can reach it, and closing takes everything away", async () => {
  const served = await serveInspection(desk(), { app: "/a", data: null });
  const folder = `${own.path}/coppice-${process.getuid?.()}`;
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(served.socket).mode & 0o077).toBe(0);
  expect(readdirSync(folder)).toEqual([`${process.pid}-1.json`, `${process.pid}-1.sock`]);
  const client = createConnection(served.socket);
  await new Promise((resolve) => client.once("connect", resolve));
  const ended = new Promise((resolve) => client.once("close", resolve));
  client.resume();
  await served.close();
  await ended;
  expect(readdirSync(folder)).toEqual([]);
  await served.close();
});
