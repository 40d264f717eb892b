// The SQLite store against the world: other processes, kill -9, damaged files, its writer thread.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { MessagePort } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ActorError } from "../../src/actor/errors.ts";
import { packOps, unpackAnswers } from "../../src/store/batch.ts";
import { decode, encode } from "../../src/store/codec.ts";
import { openSqlite, type SqliteEngine } from "../../src/store/sqlite.ts";
import { type SqliteWriter, startSqliteWriter } from "../../src/store/sqlite-client.ts";
import { storeFault } from "../../src/store/sqlite-fault.ts";
import type { ClientReply } from "../../src/store/sqlite-writer.ts";
import type { StoredActor, StoreOp } from "../../src/store/store.ts";
import { commit, enqueue, load, mail } from "../tck/store-ops.ts";

const CHILD = join(import.meta.dirname, "sqlite-child.ts");
const FLUSHED = { durability: "flushed" } as const;
const POISON: StoreOp = { kind: "enqueue", mail: mail("/a", 0, { body: {} as never }) };

let folder: string;
let file: string;
const children = new Set<ChildProcess>();
const engines = new Set<SqliteEngine>();

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "coppice-sqlite-"));
  file = join(folder, "coppice.db");
});

afterEach(async () => {
  await Promise.all([...children].map(kill));
  for (const engine of engines) engine.close();
  engines.clear();
  fs.rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<Parameters<typeof openSqlite>[1]> = {}): SqliteEngine {
  const engine = openSqlite(folder, { ...FLUSHED, ...options });
  engines.add(engine);
  return engine;
}

const born = (path: string, state: unknown = "new") =>
  commit(path, 1, { created: { args: encode("args") }, state: encode(state) });

function stored(engine: SqliteEngine, path: string): StoredActor | null {
  const [answer] = engine.execute([load(path, 0)]);
  return answer?.kind === "loaded" ? answer.stored : null;
}

/** A store with something on many pages, closed. */
function makeStore(actors = 300): void {
  const engine = open();
  engine.execute(Array.from({ length: actors }, (_, n) => born(`/p/${n}`, `${n} `.repeat(200))));
  engine.close();
}

function fault(what: () => unknown): ActorError {
  try {
    what();
  } catch (thrown) {
    if (thrown instanceof ActorError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

/** Starts a child and waits for its first line. */
async function start(mode: string): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [CHILD, mode, folder], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.add(child);
  const line = await new Promise<string>((resolve) => {
    child.stdout?.once("data", (data: Buffer) => resolve(String(data).trim()));
    child.once("exit", () => resolve(""));
  });
  return { child, line };
}

function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

describe("one owner", () => {
  test("a second process is refused at once, and told who is there", async () => {
    const { child, line } = await start("own");
    expect(line).toBe("open 1");
    const error = fault(() => open());
    expect(error.code).toBe("E_NODE_RUNNING");
    expect(error.message).toContain(`by process ${child.pid} since ${new Date().getFullYear()}-`);
    expect(error.describe()).toMatch(new RegExp(`remedy: stop process ${child.pid}, or .*--data`));
    expect(error.at).toBe(join(folder, "lock.db"));
    // And the owner has not noticed.
    child.stdin?.write("end\n");
    await new Promise((resolve) => child.once("exit", resolve));
    expect([child.exitCode, open().epoch]).toEqual([0, 2]);
  });

  test("so is this one by another, and a second one in the same process", async () => {
    const engine = open();
    const refused = JSON.parse((await start("own")).line);
    expect(refused).toMatchObject({ code: "E_NODE_RUNNING" });
    expect(refused.message).toContain(`by process ${process.pid} `);
    expect(fault(() => open()).code).toBe("E_NODE_RUNNING");
    await expect(startSqliteWriter(folder, FLUSHED)).rejects.toMatchObject({
      code: "E_NODE_RUNNING",
      fix: expect.stringContaining("--data"),
    });
    engine.execute([born("/a")]);
    expect(open({ readOnly: true }).paths()).toEqual(["/a"]);
  });

  test("after kill -9 of the owner the next one just starts", async () => {
    for (const epoch of [1, 2, 3]) {
      const { child, line } = await start("own");
      expect(line).toBe(`open ${epoch}`);
      await kill(child);
    }
    expect(fs.existsSync(join(folder, "owner.json"))).toBe(true);
    expect(open().epoch).toBe(4);
  });

  test("a note of a process that lives proves nothing, nor does one that cannot be read", () => {
    const note = join(folder, "owner.json");
    for (const text of [JSON.stringify({ pid: process.ppid, since: "2026-01-01" }), "{", "null"]) {
      fs.writeFileSync(note, text);
      const engine = open();
      expect(JSON.parse(fs.readFileSync(note, "utf8")).pid).toBe(process.pid);
      fs.writeFileSync(note, text);
      expect(fault(() => open()).code).toBe("E_NODE_RUNNING");
      engine.close();
      expect(fs.existsSync(note)).toBe(false);
    }
  });

  test("a refused owner leaves the lock where it is", () => {
    const engine = open();
    for (let n = 0; n < 3; n++) expect(fault(() => open()).code).toBe("E_NODE_RUNNING");
    const status = spawnSync(process.execPath, [CHILD, "own", folder], { input: "" });
    expect(JSON.parse(String(status.stdout)).code).toBe("E_NODE_RUNNING");
    engine.close();
  });
});

describe("looking at a store in use", () => {
  test("a reader sees what is committed, and disturbs nobody", () => {
    const engine = open();
    engine.execute([born("/a", 1)]);
    const reader = open({ readOnly: true });
    expect(decode(stored(reader, "/a")?.state as Uint8Array)).toBe(1);
    engine.execute([commit("/a", 1, { state: encode(2) }), enqueue("/a", "x"), born("/b")]);
    expect(decode(stored(reader, "/a")?.state as Uint8Array)).toBe(2);
    expect([reader.paths(), reader.waiting("/a").length]).toEqual([["/a", "/b"], 1]);
    expect(stored(reader, "/a")?.watermark).toBe(1);
    // It remembers nothing: what it saw may be somebody else by now.
    engine.execute([{ kind: "forget", path: "/a" }, born("/c"), born("/a", 3)]);
    expect(decode(stored(reader, "/a")?.state as Uint8Array)).toBe(3);
    reader.close();
    engine.execute([enqueue("/a", "y")]);
    expect(engine.waiting("/a")).toHaveLength(1);
  });

  test("a reader can change nothing", () => {
    const engine = open();
    engine.execute([born("/a")]);
    const reader = open({ readOnly: true });
    const changes = [enqueue("/a", 1), born("/b"), load("/a", 9), { kind: "forget", path: "/a" }];
    for (const op of changes as StoreOp[]) {
      expect(fault(() => reader.execute([op])).code).toBe("E_STORE_IO");
    }
    expect([engine.paths(), engine.waiting("/a")]).toEqual([["/a"], []]);
    expect(engine.execute([commit("/a", 1)])).toMatchObject([{ fenced: false }]);
  });

  test("a reader works beside another process, and after that was killed", async () => {
    const { child } = await start("write");
    const reader = open({ readOnly: true });
    expect(reader.paths()).toContain("/w/0");
    reader.close();
    await kill(child);
    const later = open({ readOnly: true });
    expect(later.paths()).toHaveLength(12);
    expect(open().epoch).toBe(2);
  });

  test("without a store there is nothing to look at, and nothing is made", () => {
    const error = fault(() => open({ readOnly: true }));
    expect([error.code, error.at]).toEqual(["E_STORE_IO", file]);
    expect(error.message).toContain("there is no store");
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

describe("files that cannot be used", () => {
  const hash = () => createHash("sha256").update(fs.readFileSync(file)).digest("hex");

  /** The store is refused, untouched, and works again once the remedy has been followed. */
  function refused(code: string, message: RegExp, options = {}): ActorError {
    const isFile = fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
    const before = isFile ? hash() : "";
    let error: ActorError | undefined;
    for (const readOnly of [false, true, false]) {
      if (readOnly && !fs.existsSync(file)) continue;
      error = fault(() => open({ ...options, readOnly: false }));
      expect([error.code, error.at]).toEqual([code, file]);
      expect(error.message).toMatch(message);
      expect(error.fix).toContain("coppice.db*");
    }
    expect(isFile ? hash() : "").toBe(before);
    const aside = fs.mkdtempSync(join(tmpdir(), "coppice-aside-"));
    for (const name of fs.readdirSync(folder).filter((each) => each.startsWith("coppice.db"))) {
      fs.renameSync(join(folder, name), join(aside, name));
    }
    expect(open().paths()).toEqual([]);
    fs.rmSync(aside, { recursive: true });
    return error as ActorError;
  }

  const damage = (at: number, bytes: Uint8Array) => {
    const handle = fs.openSync(file, "r+");
    fs.writeSync(handle, bytes, 0, bytes.length, at);
    fs.closeSync(handle);
  };

  test("garbage", () => {
    fs.writeFileSync(file, "no database at all. ".repeat(1_000));
    const error = refused("E_STORE_CORRUPT", /damaged: file is not a database/);
    expect(error.describe()).toMatch(/^E_STORE_CORRUPT: .*\(at .*coppice\.db\)\n {2}remedy: move/);
  });

  test("cut off in the middle", () => {
    makeStore();
    fs.truncateSync(file, fs.statSync(file).size / 2);
    refused("E_STORE_CORRUPT", /damaged|cut off/);
  });

  test("cut off, where the file is too large to be looked through", () => {
    makeStore();
    fs.truncateSync(file, fs.statSync(file).size - 4_096);
    refused("E_STORE_CORRUPT", /damaged|cut off/, { checkBytes: 0 });
  });

  test("cut off below what is in the log", async () => {
    makeStore();
    // All it has written is its epoch, and that is still in the log.
    await kill((await start("own")).child);
    expect(fs.statSync(`${file}-wal`).size).toBeGreaterThan(0);
    fs.truncateSync(file, 8_192);
    expect(fault(() => open({ checkBytes: 0 })).message).toMatch(/cut off: \d+ bytes/);
    expect(fault(() => open()).code).toBe("E_STORE_CORRUPT");
  });

  test("emptied", () => {
    makeStore();
    fs.truncateSync(file, 0);
    refused("E_STORE_CORRUPT", /is empty/);
  });

  test("gone, but not its log", async () => {
    await kill((await start("write")).child);
    fs.rmSync(file);
    refused("E_STORE_CORRUPT", /is missing, but its log/);
  });

  test("garbled inside", () => {
    makeStore();
    damage(20 * 4_096, new Uint8Array(4_096).fill(0xa5));
    refused("E_STORE_CORRUPT", /damaged/);
  });

  test("garbled inside, found when it is read", () => {
    makeStore();
    const { size } = fs.statSync(file);
    for (let at = 20 * 4_096; at < size; at += 4_096) damage(at, new Uint8Array(4_096).fill(0xa5));
    const engine = open({ checkBytes: 0 });
    const all = Array.from({ length: 300 }, (_, n) => load(`/p/${n}`, 5));
    const error = fault(() => engine.execute(all));
    expect([error.code, error.at]).toEqual(["E_STORE_CORRUPT", file]);
  });

  test("of a version that does not exist yet", () => {
    makeStore();
    const db = new DatabaseSync(file);
    db.exec("UPDATE meta SET value = 99 WHERE key = 'schema'; PRAGMA journal_mode = DELETE");
    db.close();
    const error = refused("E_STORE_VERSION", /has schema 99; this program reads 2/);
    expect(error.fix).toContain("run the version");
  });

  test("somebody else's database", () => {
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE customers (name TEXT)");
    db.close();
    refused("E_STORE_CORRUPT", /no store of Coppice's/);
  });

  test("a folder in its place", () => {
    fs.mkdirSync(file);
    refused("E_STORE_CORRUPT", /is a folder/);
  });

  test("a folder that is a file, or lies in one", () => {
    const plain = join(folder, "plain");
    fs.writeFileSync(plain, "");
    for (const path of [plain, join(plain, "below")]) {
      const error = fault(() => openSqlite(path, FLUSHED));
      expect([error.code, error.fix]).toEqual(["E_STORE_IO", expect.stringMatching(/in the way/)]);
    }
  });

  test("a folder that may not be written", ({ skip }) => {
    if (process.getuid?.() === 0) return skip("root may write anything");
    fs.chmodSync(folder, 0o555);
    const error = fault(() => open());
    fs.chmodSync(folder, 0o755);
    expect([error.code, error.fix]).toEqual(["E_STORE_IO", expect.stringMatching(/let this user/)]);
  });

  test("an unfinished first start is finished by the next", () => {
    fs.writeFileSync(`${file}.new`, "half a store");
    fs.writeFileSync(`${file}.new-journal`, "half a journal");
    open().execute([born("/a")]);
    expect(fs.readdirSync(folder).some((name) => name.includes(".new"))).toBe(false);
  });

  test("what SQLite and the system report becomes a code and a remedy", () => {
    const reported = (errcode: number) =>
      storeFault(Object.assign(new Error("x"), { errcode }), file);
    const disk = reported(13);
    expect([disk.code, disk.fix, disk.at]).toEqual(["E_STORE_IO", "make room on the disk", file]);
    for (const errcode of [3, 5, 6, 8, 10, 14, 22, 10 | (4 << 8), 8 | (1 << 8)]) {
      expect(reported(errcode)).toMatchObject({ code: "E_STORE_IO", fix: expect.any(String) });
    }
    for (const errcode of [11, 26, 11 | (1 << 8)]) {
      expect(reported(errcode).code).toBe("E_STORE_CORRUPT");
    }
    expect([reported(19).code, storeFault("odd", file).code]).toEqual(["E_INTERNAL", "E_INTERNAL"]);
    const system = (code: string) => Object.assign(new Error(code), { code, syscall: "open" });
    expect(storeFault(system("ENOSPC"), file).fix).toBe("make room on the disk");
    expect(storeFault(system("EIO"), file).fix).toMatch(/look at the disk/);
    expect(storeFault(system("EACCES"), file)).toMatchObject({ code: "E_STORE_IO", at: file });
  });

  test("a write that fails changes nothing, and the store goes on", ({ skip }) => {
    const limit = spawnSync("prlimit", ["--version"]);
    if (limit.error) return skip("prlimit is not installed");
    const args = ["--fsize=1500000", process.execPath, CHILD, "fill", folder];
    const { stdout } = spawnSync("prlimit", args, { encoding: "utf8" });
    const { stored: count, paths, error } = JSON.parse(stdout);
    expect(error).toMatchObject({ code: "E_STORE_IO", at: file, fix: expect.any(String) });
    expect([count > 5, paths]).toEqual([true, count]);
    const engine = open();
    expect(engine.paths()).toHaveLength(count);
    engine.execute([born("/a")]);
  });
});

describe("kill -9", () => {
  const CYCLES = 60;

  test(`${CYCLES} times, at any time: what was acknowledged is there, and nothing is half`, async () => {
    const acknowledged = new Map<number, number>();
    let commits = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const said = await writeAndDie(cycle);
      for (const [chain, n] of said) {
        if (n > (acknowledged.get(chain) ?? 0)) acknowledged.set(chain, n);
      }
      commits += said.length;
      const engine = open();
      for (const [chain, n] of acknowledged) check(engine, chain, n);
      engine.close();
    }
    expect(acknowledged.size).toBe(6);
    expect(commits).toBeGreaterThan(CYCLES);
  });

  /** One life of the writer. @returns chain and number of each acknowledged commit */
  async function writeAndDie(cycle: number): Promise<[number, number][]> {
    const child = spawn(process.execPath, [CHILD, "write", folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.add(child);
    let text = "";
    const spoke = new Promise<void>((resolve) => {
      child.stdout?.on("data", (data: Buffer) => {
        text += data;
        resolve();
      });
      child.once("exit", () => resolve());
    });
    // Each sixth dies while it starts and opens the store, the others while they write.
    if (cycle % 6 !== 5) await spoke;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.random() * (cycle % 6 === 5 ? 150 : 40)),
    );
    expect([child.exitCode, child.signalCode], "it was still writing").toEqual([null, null]);
    const closed = new Promise((resolve) => child.once("close", resolve));
    await kill(child);
    await closed;
    const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    return whole.filter(Boolean).map((line) => line.split(" ").map(Number) as [number, number]);
  }

  function check(engine: SqliteEngine, chain: number, acknowledged: number): void {
    const actor = stored(engine, `/w/${chain}`);
    const { n, filler } = decode(actor?.state as Uint8Array) as { n: number; filler: string };
    expect(n).toBeGreaterThanOrEqual(acknowledged);
    expect(filler).toBe(String.fromCharCode(97 + (n % 26)).repeat((n * 977) % 12_000));
    // State, ack and both letters are of one commit, so they are there together.
    expect(actor?.mail.map(({ body }) => decode(body))).toEqual([n + 1]);
    const log = engine.waiting(`/w/log-${chain}`);
    expect(log.map(({ body }) => decode(body))).toEqual(Array.from({ length: n }, (_, i) => i + 1));
    const seqs = log.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  }
});

describe("the writer thread", () => {
  let writer: SqliteWriter;
  const use = async (options = FLUSHED) => {
    writer = await startSqliteWriter(folder, options);
  };
  afterEach(() => writer?.close());

  /** A client of the writer: sends batches, keeps the replies in order. */
  class Client {
    readonly port: MessagePort;
    readonly #waiting: ((reply: ClientReply) => void)[] = [];

    constructor(id: number) {
      this.port = writer.connect(id);
      this.port.on("message", (reply: ClientReply) => this.#waiting.shift()?.(reply));
    }

    send(...ops: StoreOp[]): Promise<ClientReply> {
      this.port.postMessage({ ops: packOps(ops) });
      return new Promise((resolve) => this.#waiting.push(resolve));
    }

    async answers(...ops: StoreOp[]) {
      const reply = await this.send(...ops);
      if ("error" in reply) throw new Error(reply.error.message);
      return unpackAnswers(reply.answers);
    }
  }

  const clients = (count: number) => Array.from({ length: count }, (_, id) => new Client(id));

  test("commits of many clients share transactions", async () => {
    await use();
    const rounds = 20;
    await Promise.all(
      clients(100).map(async (client, id) => {
        await client.answers(born(`/p/${id}`));
        for (let n = 0; n < rounds; n++) {
          await client.answers(commit(`/p/${id}`, 1, { state: encode(n) }));
        }
      }),
    );
    const { transactions, batches, ops, failed } = await writer.counts();
    expect([batches, ops, failed]).toEqual([100 * (rounds + 1), 100 * (rounds + 1), 0]);
    expect(batches / transactions).toBeGreaterThan(2);
  });

  test("a transaction has at most about 4,000 operations, or 1 MB", async () => {
    await use();
    const [many, large] = [new Client(1), new Client(2)];
    await many.answers(born("/a"));
    const some = Array.from({ length: 400 }, (_, n) => enqueue("/a", n));
    await Promise.all(Array.from({ length: 60 }, () => many.answers(...some)));
    const first = await writer.counts();
    expect(first.ops).toBe(24_001);
    expect(first.transactions).toBeGreaterThanOrEqual(1 + 24_000 / 4_399);
    const body = new Uint8Array(300_000);
    await Promise.all(Array.from({ length: 40 }, () => large.answers(enqueue("/a", body))));
    const second = await writer.counts();
    expect(second.transactions - first.transactions).toBeGreaterThanOrEqual(40 / 4);
  });

  test("answers come in the order of the batches, also when many are under way", async () => {
    await use();
    const [sender, other] = [new Client(1), new Client(2)];
    await sender.answers(born("/a"));
    const sends = Array.from({ length: 300 }, async (_, n) => {
      // Each batch has a length of its own, so that no answer is taken for another's.
      const letters = Array.from({ length: 1 + (n % 7) }, () => enqueue("/a", n));
      const [mine, others] = [sender.answers(...letters), other.answers(load("/b", 1))];
      expect((await mine).map((answer) => answer?.kind)).toEqual(letters.map(() => "enqueued"));
      expect((await others).map((answer) => answer?.kind)).toEqual(["loaded"]);
    });
    await Promise.all(sends);
    const [answer] = await sender.answers(load("/a", 1));
    const mail = answer?.kind === "loaded" ? (answer.stored?.mail ?? []) : [];
    const bodies = mail.map(({ body }) => decode(body) as number);
    expect(new Set(bodies).size).toBe(300);
    expect(bodies).toEqual(bodies.toSorted((a, b) => a - b));
  });

  test("a batch that cannot be executed fails alone", async () => {
    await use();
    const all = clients(30);
    await all[0]?.answers(born("/a"));
    const busy = all[0]?.answers(...Array.from({ length: 5_000 }, (_, n) => enqueue("/a", n)));
    const replies = await Promise.all(
      all.map((client, id) =>
        id % 10 === 3
          ? client.send(born(`/p/${id}`), POISON)
          : client.send(born(`/p/${id}`), enqueue("/a", "fine")),
      ),
    );
    await busy;
    for (const [id, reply] of replies.entries()) {
      if (id % 10 !== 3) expect(reply, `client ${id}`).toHaveProperty("answers");
      else expect(reply).toMatchObject({ error: { code: "E_INTERNAL", at: file } });
    }
    const odd = [{ ops: null }, { ops: [null] }, { ops: [{ kind: "commit" }] }, {}];
    for (const [nth, batch] of odd.entries()) {
      const { port } = all[5 + nth] as Client;
      const reply = new Promise((resolve) => port.once("message", resolve));
      port.postMessage(batch);
      expect(await reply).toMatchObject({ error: { code: "E_INTERNAL" } });
    }
    expect((await writer.counts()).failed).toBe(3 + odd.length);
    await writer.close();
    const engine = open();
    expect(engine.paths()).toHaveLength(1 + 27);
    expect(engine.paths()).not.toContain("/p/3");
    expect(engine.waiting("/a")).toHaveLength(5_000 + 27);
  });

  test("what a client sent behind a batch that is lost is not there without it", async () => {
    await use();
    const [unlucky, other] = [new Client(1), new Client(2)];
    await unlucky.answers(born("/a"));
    const lost = unlucky.send(enqueue("/a", 1), POISON);
    const behind = [unlucky.send(enqueue("/a", 2)), unlucky.send(enqueue("/a", 3))];
    for (const reply of await Promise.all([lost, ...behind])) {
      expect(reply).toMatchObject({ error: { code: "E_INTERNAL" } });
    }
    await other.answers(enqueue("/a", 4));
    // Its thread has ended by then, and its successor has a line of its own.
    writer.disconnect(1);
    const [answer] = await new Client(1).answers(load("/a", 1));
    const mail = answer?.kind === "loaded" ? (answer.stored?.mail ?? []) : [];
    expect(mail.map(({ body }) => decode(body))).toEqual([4]);
  });

  test("clients come and go; what one has sent before it went is executed", async () => {
    await use();
    const [stays, goes] = [new Client(1), new Client(2)];
    await stays.answers(born("/a"));
    goes.port.postMessage({ ops: packOps([enqueue("/a", "last words")]) });
    writer.disconnect(2);
    await new Promise((resolve) => goes.port.once("close", resolve));
    const again = new Client(2);
    const [answer] = await again.answers(load("/a", 1));
    expect(answer?.kind === "loaded" && answer.stored?.mail).toHaveLength(1);
    // One that closes its end, or never comes back, keeps nobody waiting.
    again.port.close();
    writer.disconnect(7);
    expect(await stays.answers(enqueue("/a", "x"))).toEqual([{ kind: "enqueued", seq: 2 }]);
  });

  test("close executes what was sent, and gives the folder free", async () => {
    await use();
    const all = clients(5);
    await all[0]?.answers(born("/a"));
    const two = packOps([enqueue("/a", "x"), enqueue("/a", "y")]);
    for (const { port } of all) port.postMessage({ ops: two });
    await Promise.all([writer.close(), writer.close()]);
    expect(fs.existsSync(`${file}-wal`)).toBe(false);
    expect(open().waiting("/a")).toHaveLength(10);
  });

  test("each start has a higher epoch, also after the thread was terminated", async () => {
    await use();
    expect(writer.epoch).toBe(1);
    const client = new Client(1);
    await client.answers(born("/a"));
    await writer.worker.terminate();
    await expect(writer.counts()).rejects.toThrow("has ended");
    await use({ durability: "committed" } as never);
    expect(writer.epoch).toBe(2);
    const [answer] = await new Client(1).answers(load("/a", 1));
    expect(answer?.kind === "loaded" && answer.stored?.behaviour).toBe("b");
  });

  test("a store that cannot be opened fails the start with its code", async () => {
    fs.writeFileSync(file, "garbage ".repeat(1_000));
    await expect(startSqliteWriter(folder, FLUSHED)).rejects.toMatchObject({
      name: "ActorError",
      code: "E_STORE_CORRUPT",
      at: file,
      fix: expect.stringContaining("move coppice.db*"),
    });
  });
});
