// Which node a command means, and what dead nodes leave behind.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findNode, listNodes } from "../../src/observe/inspect.ts";
import { nodesFolder } from "../../src/observe/nodes.ts";
import { cli, FakeNode, inProcess, ownFolder, serve, supervisorRow } from "./stage.ts";

const own = ownFolder();
const desk = () => new FakeNode([supervisorRow("/desk")]);
const cwd = process.cwd();

/** A process that has ended. */
const DEAD = 2 ** 22 + 1;

const entry = (pid: number, more: object = {}) =>
  JSON.stringify({ pid, app: "/a", data: null, cwd: "/", socket: "/x", startedAt: "t", ...more });

test("with no folder and no node there is none, and the remedy", async () => {
  expect(await listNodes()).toEqual([]);
  const { status, err } = await cli(["tree"]);
  expect(status).toBe(1);
  expect(err).toBe(
    `coppice: E_NODE_ABSENT: no node of yours is running (looked in ${nodesFolder()})\n` +
      "  remedy: start one: coppice run APP\n",
  );
});

test("the only node is the one that is meant", async () => {
  await serve(desk(), { app: "/apps/one.ts", data: own.path });
  expect(await findNode({ cwd: "/" })).toMatchObject({ app: "/apps/one.ts", pid: process.pid });
});

test("of several, --data chooses by the real path", async () => {
  const [one, two] = [join(own.path, "one"), join(own.path, "two")];
  mkdirSync(one);
  mkdirSync(two);
  symlinkSync(two, join(own.path, "link"));
  await serve(desk(), { app: "/apps/one.ts", data: one });
  await serve(desk(), { app: "/apps/two.ts", data: two });
  const found = await findNode({ data: "link", cwd: own.path });
  expect(found.app).toBe("/apps/two.ts");
  expect((await findNode({ data: `${one}/../one/`, cwd })).app).toBe("/apps/one.ts");
  const { status, err } = await cli(["tree", "--data", "three"], { cwd: own.path });
  expect(status).toBe(1);
  expect(err).toContain(
    `E_NODE_ABSENT: no node runs on the data folder ${own.path}/three; running:`,
  );
  expect(err).toContain("/apps/one.ts");
  expect(err).toContain("remedy: start one: coppice run APP --data three");
});

test("of several, the only one that was started here", async () => {
  await serve(desk(), { app: "/apps/here.ts" });
  await serve(desk(), { app: "/apps/there.ts" });
  const there = join(nodesFolder(), `${process.pid}-2.json`);
  writeFileSync(there, entry(process.pid, { cwd: own.path, app: "/apps/there.ts" }));
  expect((await findNode({ cwd })).app).toBe("/apps/here.ts");
  expect((await findNode({ cwd: own.path })).app).toBe("/apps/there.ts");
  const lost = await cli(["tree"], { cwd: "/" });
  expect(lost.status).toBe(2);
  expect(lost.err).toContain("E_USAGE: 2 nodes are running, none of them started in this folder:");
});

test("several that fit are listed, --pid is the way out", async () => {
  await serve(desk(), { app: "/apps/one.ts", data: "/data/one" });
  await serve(desk(), { app: "/apps/two.ts" });
  const { status, err } = await cli(["tree"]);
  expect(status).toBe(2);
  expect(err).toBe(
    "coppice: E_USAGE: 2 nodes started in this folder are running:\n" +
      `    pid ${process.pid}  /apps/one.ts  data /data/one\n` +
      `    pid ${process.pid}  /apps/two.ts  data (in memory)\n` +
      "  remedy: say which one: --data DIR, or --pid PID\n",
  );
  expect((await cli(["tree", "--pid", String(process.pid)])).status).toBe(2);
  const other = await cli(["tree", "--pid", String(DEAD)]);
  expect(other.err).toContain(`E_NODE_ABSENT: no node runs in process ${DEAD}; running:`);
});

test("what dead processes left is removed; what lives stays", async () => {
  await serve(desk());
  const folder = nodesFolder();
  for (const name of [`${DEAD}-1.json`, `${DEAD}-1.sock`, `${DEAD}-2.json.new`]) {
    writeFileSync(join(folder, name), entry(DEAD));
  }
  // A live process whose socket nobody serves any more: an earlier process had its number.
  writeFileSync(join(folder, `${process.pid}-7.json`), entry(process.pid));
  writeFileSync(join(folder, `${process.pid}-7.sock`), "");
  // A live process that is about to write its entry.
  writeFileSync(join(folder, `${process.pid}-8.json.new`), "{");
  writeFileSync(join(folder, "notes.txt"), "somebody's own");
  expect(await listNodes()).toHaveLength(1);
  expect(readdirSync(folder).sort()).toEqual(
    [
      `${process.pid}-1.json`,
      `${process.pid}-1.sock`,
      `${process.pid}-8.json.new`,
      "notes.txt",
    ].sort(),
  );
});

test("a socket whose process was killed is removed", async () => {
  const script = `
    const { serveInspection } = await import("./src/observe/inspect.ts");
    await serveInspection({}, { app: "/a", data: null });
    process.kill(process.pid, "SIGKILL");`;
  const { spawnSync } = await import("node:child_process");
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  expect(signal).toBe("SIGKILL");
  expect(readdirSync(nodesFolder())).toHaveLength(2);
  expect((await cli(["doctor"])).out).toContain("none running");
  expect(readdirSync(nodesFolder())).toEqual([]);
});

test("process.exit() takes its files along", async () => {
  const script = `
    const { serveInspection } = await import("./src/observe/inspect.ts");
    await serveInspection({}, { app: "/a", data: null });
    process.exit(7);`;
  const { spawnSync } = await import("node:child_process");
  const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  expect(status).toBe(7);
  expect(readdirSync(nodesFolder())).toEqual([]);
});

test("a name left behind by a dead process of the same number is taken over", async () => {
  mkdirSync(nodesFolder(), { mode: 0o700 });
  const left = join(nodesFolder(), `${process.pid}-1.sock`);
  writeFileSync(left, "");
  expect(await serve(desk())).toBe(left);
  expect((await cli(["tree"])).status).toBe(0);
});

test("broken and huge entries are no nodes", async () => {
  await serve(desk());
  const file = join(nodesFolder(), `${process.pid}-1.json`);
  for (const text of ["", "{", "null", "[]", "{}", entry(1).padEnd(100_000)]) {
    writeFileSync(file, text);
    expect(await listNodes()).toEqual([]);
  }
  rmSync(file);
  symlinkSync("/etc/hostname", file);
  expect(await listNodes()).toEqual([]);
});

test("an entry cannot send a command to a socket elsewhere", async () => {
  const socket = await serve(desk());
  const elsewhere = join(own.path, "elsewhere.sock");
  const trap = createServer((client) => client.destroy()).listen(elsewhere);
  const file = join(nodesFolder(), `${process.pid}-1.json`);
  writeFileSync(file, entry(process.pid, { socket: elsewhere }));
  expect((await listNodes())[0]?.socket).toBe(socket);
  trap.close();
});

test("an open folder is closed to others, a foreign or strange one refused", async () => {
  const folder = nodesFolder();
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  await serve(desk());
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  rmSync(folder, { recursive: true });
  symlinkSync(own.path, folder);
  const refused = { code: "E_USAGE", at: folder, message: expect.stringContaining("no folder") };
  await expect(serve(desk())).rejects.toMatchObject(refused);
  expect((await cli(["tree"])).err).toContain("the folder of running nodes is no folder");
});

test.skipIf(process.getuid?.() !== 0)("a folder of somebody else is refused", async () => {
  const { chownSync } = await import("node:fs");
  mkdirSync(nodesFolder());
  chownSync(nodesFolder(), 65_534, 65_534);
  await expect(serve(desk())).rejects.toThrow("belongs to somebody else");
  await expect(listNodes()).rejects.toThrow("belongs to somebody else");
});

test("a TMPDIR too long for a socket is an error that says so", async () => {
  const TMPDIR = join(own.path, "long".repeat(30));
  mkdirSync(TMPDIR);
  process.env.TMPDIR = TMPDIR;
  const fix = expect.stringContaining("set TMPDIR to a short path");
  await expect(serve(desk())).rejects.toMatchObject({ code: "E_USAGE", fix });
});

test("a node in another process is found and asked", async () => {
  await serve(desk(), { app: "/apps/desk.ts" });
  const { status, out, err } = await inProcess(["tree"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toBe("/desk  #1  one_for_one  3 in 5s\n");
  expect(existsSync(nodesFolder())).toBe(true);
});
