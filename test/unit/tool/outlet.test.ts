// The way out of a sandbox, as what runs in there meets it: what is granted passes, all else is told
// why it does not, and floods end the call.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createSocket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Cut } from "../../../src/tool/collect.ts";
import { Outlet } from "../../../src/tool/outlet.ts";
import type { Resolve } from "../../../src/tool/reach.ts";

let server: Server;
let port: number;
let pushed = 0;
let outlet: Outlet | null = null;
let cuts: Cut[] = [];

beforeAll(async () => {
  server = createServer((req, res) => {
    if (req.url === "/away") return void res.writeHead(302, { Location: "http://10.0.0.1/" }).end();
    if (req.url === "/endless") {
      const more = () => {
        while (!res.destroyed) {
          pushed += 65_536;
          if (!res.write(Buffer.alloc(65_536))) return void res.once("drain", more);
        }
      };
      return more();
    }
    let body = "";
    req.on("data", (bytes) => (body += bytes));
    req.on("end", () => res.end(JSON.stringify({ url: req.url, body, headers: req.headers })));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as { port: number }).port;
});
afterEach(() => outlet?.close());
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function open(hosts?: readonly string[], traffic = 2 ** 24, resolve?: Resolve): Outlet {
  cuts = [];
  outlet = new Outlet(hosts ?? [`127.0.0.1:${port}`], traffic, (cut) => cuts.push(cut), resolve);
  return outlet;
}

/** A connection from inside. */
function enter(way: Outlet): Duplex {
  const [inside, outside] = duplexPair();
  inside.on("error", () => {});
  way.admit(outside);
  return inside;
}

/** What is answered to one request, to the end of the connection, whatever ends it. */
async function say(way: Outlet, request: string): Promise<string> {
  const inside = enter(way);
  let said = "";
  inside.on("data", (bytes) => (said += bytes));
  inside.write(request);
  await Promise.race([once(inside, "end"), once(inside, "close")]);
  return said;
}

const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n`;

test("a plain request goes on without what is the proxy's, to the host of its line", async () => {
  const way = open();
  const head =
    "X-Own: 1\r\nProxy-Authorization: secret\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n";
  const request = `POST http://127.0.0.1:${port}/a?b HTTP/1.1\r\nHost: evil\r\n${head}`;
  const answer = await say(way, `${request}Content-Length: 4\r\n\r\nbody`);
  expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
  const { headers, ...rest } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n{")));
  expect(rest).toEqual({ url: "/a?b", body: "body" });
  expect(headers).toMatchObject({ host: `127.0.0.1:${port}`, "x-own": "1" });
  expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(["x-hop"]));
  expect(JSON.stringify(headers)).not.toMatch(/secret|x-hop/);
  const [row] = way.rows;
  expect(row).toMatchObject({ to: `127.0.0.1:${port}`, refused: null, connections: 1 });
  expect(row?.bytesIn).toBeGreaterThan(100);
  expect(row?.bytesOut).toBeGreaterThan(50);
});

test("a chunked body arrives, and many requests of one connection", async () => {
  const way = open();
  const one = `PUT http://127.0.0.1:${port}/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const answer = await say(
    way,
    `${one}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n${get(`http://127.0.0.1:${port}/2`)}`,
  );
  expect(answer).toContain('"body":"abcde"');
  expect(answer).toContain('"url":"/2"');
  expect(way.rows).toMatchObject([{ connections: 2 }]);
});

test("a tunnel carries bytes both ways, and each end may end first", async () => {
  const way = open();
  const inside = enter(way);
  inside.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\nGET /early HTTP/1.1\r\nHost: x\r\n`);
  const [established] = await once(inside, "data");
  expect(String(established)).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
  inside.end("Connection: close\r\n\r\n");
  expect(await text(inside)).toContain('"url":"/early"');
});

test.each([
  ["another host", "http://example.org/", "example.org:80 is refused: it is not granted"],
  ["another port", "http://127.0.0.1:1/", "port 1 of it is not granted"],
  ["the metadata service", "http://169.254.169.254/latest/", "it is not granted"],
  ["an address in disguise", "http://[::ffff:7f00:1]/", "it is not granted"],
])("%s is refused, plain and as a tunnel", async (_, url, why) => {
  const way = open();
  const plain = await say(way, get(url));
  expect(plain).toMatch(/^HTTP\/1.1 403 /);
  expect(plain).toContain(why);
  const { host } = new URL(url);
  const to = /:\d+$/.test(host) ? host : `${host}:443`;
  expect(await say(way, `CONNECT ${to} HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1.1 403 .*refused/);
  expect(way.rows.every(({ refused, bytesIn }) => refused !== null && bytesIn === 0)).toBe(true);
});

test("a granted name that leads to a private address is refused, and asked anew each time", async () => {
  let turn = 0;
  const rebinding: Resolve = async () => [
    { address: turn++ === 0 ? "10.0.0.1" : "127.0.0.1", family: 4 },
  ];
  const way = open([`name.example:${port}`], 2 ** 20, rebinding);
  for (let each = 0; each < 2; each++) {
    const answer = await say(way, get(`http://name.example:${port}/`));
    expect(answer).toMatch(/^HTTP\/1.1 403 .*it leads to no public address/);
  }
  expect(turn).toBe(2);
  expect(way.rows).toMatchObject([{ connections: 2, refused: "it leads to no public address" }]);
});

test("a redirect is the client's to follow, and meets the same grants", async () => {
  const way = open();
  const answer = await say(way, get(`http://127.0.0.1:${port}/away`));
  expect(answer).toMatch(/^HTTP\/1.1 302/);
  expect(await say(way, get("http://10.0.0.1/"))).toMatch(/^HTTP\/1.1 403/);
});

test.each([
  ["no HTTP", "\x16\x03\x01 hello\r\n\r\n", 400],
  ["a path alone", get("/"), 400],
  ["another scheme", get("https://127.0.0.1/"), 400],
  ["an address in disguise", get("http://2130706433/"), 400],
  ["another", get("http://127.1/"), 400],
  ["a dot too many", get("http://127.0.0.1./"), 400],
  ["a user", get("http://127.0.0.1@example.org/"), 400],
  ["a file", get("file:///etc/passwd"), 400],
  ["a tunnel to nowhere", "CONNECT / HTTP/1.1\r\n\r\n", 400],
  ["a port that is none", "CONNECT a.example:99999 HTTP/1.1\r\n\r\n", 400],
  ["a head without an end", `GET http://a/ HTTP/1.1\r\nX: ${"x".repeat(1_000_000)}`, 431],
])("%s is no request", async (_, request, status) => {
  expect(await say(open(), request)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

test.each([
  [
    "a status that is none",
    "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    /^HTTP\/1.1 (999|502)/,
  ],
  [
    "a control character",
    "HTTP/1.1 200 \x01\x7f\r\nContent-Length: 0\r\n\r\n",
    /^HTTP\/1.1 (200|502)/,
  ],
  [
    "another in a header",
    "HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n",
    /^HTTP\/1.1 502/,
  ],
  [
    "a switch of protocols",
    "HTTP/1.1 101 Sure\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    /^HTTP\/1.1 502/,
  ],
  ["no HTTP", "hello\r\n\r\n", /^HTTP\/1.1 502/],
  ["nothing", "", /^HTTP\/1.1 502/],
  ["an end too early", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", /abc$/],
])("a host that answers with %s harms nobody", async (_, said, answer) => {
  const odd = createSocket((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.from(said, "latin1")));
  });
  odd.listen(0, "127.0.0.1");
  await once(odd, "listening");
  const to = `127.0.0.1:${(odd.address() as { port: number }).port}`;
  expect(await say(open([to]), get(`http://${to}/`))).toMatch(answer);
  odd.close();
});

test("a host that does not listen is no refusal", async () => {
  const way = open(["127.0.0.1:1"]);
  expect(await say(way, get("http://127.0.0.1:1/"))).toMatch(/^HTTP\/1.1 502 ECONNREFUSED/);
  expect(way.rows).toEqual([
    { to: "127.0.0.1:1", refused: null, connections: 1, bytesIn: 0, bytesOut: 0 },
  ]);
});

test("whatever comes out of a sandbox, nothing is thrown", async () => {
  const target = fc.constantFrom(
    "/",
    "*",
    "http://a/",
    `http://127.0.0.1:${port}/\xff`,
    "127.0.0.1:80",
  );
  const piece = fc.oneof(
    fc.constantFrom(
      "GET ",
      "CONNECT ",
      "POST ",
      "PRI * HTTP/2.0\r\n\r\n",
      " HTTP/1.1\r\n",
      "\r\n\r\n",
    ),
    fc.constantFrom("Host: a\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n"),
    fc.constantFrom(
      "Content-Length: 5\r\n",
      "Connection: upgrade, x\r\nUpgrade: x\r\n",
      "5\r\nhello\r\n",
    ),
    fc.constantFrom("X: \x01\r\n", "Expect: y\r\n", "Content-Length: -1\r\n", "0\r\n\r\n"),
    target,
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  const heads = fc.tuple(
    fc.constantFrom("GET", "POST", "CONNECT", "HEAD"),
    target,
    fc.array(piece),
  );
  const request = heads.map(
    ([verb, url, rest]) => `${verb} ${url} HTTP/1.1\r\n${rest.join("")}\r\n`,
  );
  const said = fc.array(fc.oneof(piece, request), { maxLength: 8 });
  const property = fc.asyncProperty(said, fc.boolean(), async (pieces, abrupt) => {
    const way = open();
    const inside = enter(way);
    inside.resume();
    for (const each of pieces) inside.write(Buffer.from(each, "latin1"));
    await new Promise((resolve) => setImmediate(resolve));
    if (abrupt) inside.destroy();
    else inside.end();
    await new Promise((resolve) => setTimeout(resolve, 2));
    way.close();
  });
  await fc.assert(property, { numRuns: 300 });
}, 60_000);

test("more bytes than may pass end the call, and not one more is counted", async () => {
  const way = open(undefined, 300_000);
  await say(way, get(`http://127.0.0.1:${port}/endless`));
  expect(cuts[0]).toMatchObject({ tag: "killed", limit: "traffic" });
  const [row] = way.rows;
  expect((row?.bytesIn ?? 0) + (row?.bytesOut ?? 0)).toBeLessThanOrEqual(300_000);
});

test("who reads nothing fills no memory", async () => {
  const way = open(undefined, 2 ** 30);
  pushed = 0;
  const inside = enter(way);
  inside.write(get(`http://127.0.0.1:${port}/endless`));
  let last = -1;
  while (pushed === 0 || last !== pushed) {
    last = pushed;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // What the kernel holds for both ends of a connection, and a few buffers.
  expect(pushed).toBeLessThan(24 * 2 ** 20);
  expect(way.rows[0]?.bytesIn).toBeLessThan(2 ** 20);
  inside.destroy();
});

test("floods of connections and of requests end the call; rows stay few", async () => {
  const way = open();
  for (let each = 0; each <= 1_000; each++) enter(way).destroy();
  expect(cuts[0]).toMatchObject({
    limit: "traffic",
    why: expect.stringMatching(/1000 connections/),
  });
  const other = open();
  let requests = "";
  for (let each = 0; each < 10_001; each++)
    requests += `GET http://h${each}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
  const inside = enter(other);
  inside.resume();
  inside.write(requests);
  await expect.poll(() => cuts[0], { timeout: 30_000 }).toMatchObject({ limit: "traffic" });
  expect(other.rows).toHaveLength(65);
  expect(other.rows.at(-1)).toMatchObject({ to: "others", refused: "it is not granted" });
});

test("few connections at a time; all end with the call", async () => {
  const way = open();
  const tunnels = Array.from({ length: 40 }, () => enter(way));
  const heads = tunnels.map(async (each) => {
    each.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`);
    const [head] = await once(each, "data");
    return String(head).slice(9, 12);
  });
  const said = await Promise.all(heads);
  expect(said.filter((each) => each === "200")).toHaveLength(32);
  expect(said.filter((each) => each === "503")).toHaveLength(8);
  const ended = tunnels.map((each) => each.destroyed || once(each, "close"));
  way.close();
  for (const each of tunnels) each.resume();
  await Promise.race([Promise.all(ended), once(way.server, "close")]);
  const open2 = await new Promise<number>((resolve) => {
    server.getConnections((_, count) => resolve(count));
  });
  expect(open2).toBeLessThanOrEqual(32);
  await expect
    .poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count))), {
      timeout: 20_000,
    })
    .toBe(0);
});
