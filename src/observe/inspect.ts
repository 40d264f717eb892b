/**
 * Owns: the inspection server of a node: requests and answers as JSON lines over a unix socket that
 * only its user can reach, and the entry by which the CLI finds it. Also the one door of this
 * folder for the CLI, which imports nothing else of it.
 * Does not own: what an answer says (view.ts, node/inspectable.ts).
 *
 * Invariants: every request and answer has a limit (K13); whatever a client sends or fails to
 * send, only its own connection notices.
 */
import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { ActorError } from "../actor/errors.ts";
import { boundDetail, boundTree, plain } from "./bounds.ts";
import { isServed, openNodesFolder } from "./nodes.ts";
import type { Inspectable, NodeEntry, RaiseRequest, Request } from "./view.ts";
import { request } from "./view.ts";

export { findNode, listNodes, type NodeChoice, startedIn } from "./nodes.ts";
export * from "./view.ts";

/** Longest request. @unit characters */
const REQUEST_MAX = 65_536;
/** Longest answer. @unit characters */
const ANSWER_MAX = 64 * 1_048_576;
/** Longest text of an error. @unit characters */
const TEXT_MAX = 4_000;
/** Most clients at a time; more are turned away at once. */
const CLIENTS_MAX = 256;
/** Nodes in one process, at most. */
const NODES_MAX = 1_000;
/** A client silent for so long is let go. @unit ms */
const IDLE_MS = 600_000;
/** How long looking may take. Acting has no limit: a stop may rightly take as long as it does. */
const ANSWER_MS = 10_000;
/** How long closing waits for clients to take their last answer. @unit ms */
const CLOSE_MS = 200;

/** Starts answering for a node. @throws ActorError when the folder of nodes is not safe to use */
export async function serveInspection(
  node: Inspectable,
  info: { app: string; data: string | null },
): Promise<{ socket: string; close(): Promise<void> }> {
  const shared: Inspectable = {
    tree: once(() => node.tree()),
    show: (path) => node.show(path),
    act: (command, path) => node.act(command, path),
    letters: (asked) => node.letters(asked),
    questions: () => node.questions(),
    answer: (said) => node.answer(said),
    budgets: (raise) => node.budgets(raise),
  };
  const clients = new Set<Socket>();
  // Clients may close their half at once (`echo … | nc -U`) and still want the answer.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
    client.on("error", () => client.destroy());
    client.setTimeout(IDLE_MS, () => client.destroy());
    // A program that is done must not be kept alive by those who looked at it.
    client.unref();
    void serve(client, shared);
  });
  server.maxConnections = CLIENTS_MAX;
  server.unref();
  const base = await listen(server, openNodesFolder());
  // A broken connection of somebody else's making is no reason to end the node.
  server.on("error", () => {});
  const socket = `${base}.sock`;
  chmodSync(socket, 0o600);
  announce(base, { ...info, pid: process.pid, cwd: process.cwd(), socket });
  return { socket, close: () => close(server, clients, base) };
}

async function listen(server: Server, folder: string): Promise<string> {
  for (let number = 1; number <= NODES_MAX; number++) {
    const base = join(folder, `${process.pid}-${number}`);
    const socket = `${base}.sock`;
    const taken = await tryListen(server, socket);
    if (!taken) return base;
    if (await isServed(socket)) continue;
    // Left by a dead process that had our number.
    rmSync(socket, { force: true });
    if (!(await tryListen(server, socket))) return base;
  }
  throw new ActorError("E_USAGE", `${NODES_MAX} nodes run in this process`, {
    at: folder,
    fix: "start further nodes with inspect: false",
  });
}

/** @returns whether the name is taken */
function tryListen(server: Server, socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      server.off("listening", succeed);
      if (cause.code === "EADDRINUSE") return resolve(true);
      const fact = `the inspection socket cannot be opened: ${cause.message}`;
      const fix = "set TMPDIR to a short path you may write to, or start with inspect: false";
      reject(new ActorError("E_USAGE", fact, { at: socket, fix, cause }));
    };
    const succeed = () => {
      server.off("error", fail);
      resolve(false);
    };
    server.once("error", fail);
    server.once("listening", succeed);
    server.listen(socket);
  });
}

/* ---- the entry, and taking everything away again ---- */

/** Nodes of this process: a `process.exit()` leaves no time for {@link close}. */
const announced = new Set<string>();

function remove(base: string): void {
  announced.delete(base);
  for (const ending of ["json", "json.new", "sock"]) rmSync(`${base}.${ending}`, { force: true });
}

function removeAll(): void {
  for (const base of announced) remove(base);
}

function announce(base: string, entry: Omit<NodeEntry, "startedAt">): void {
  if (announced.size === 0) process.on("exit", removeAll);
  announced.add(base);
  const startedAt = new Date().toISOString();
  writeFileSync(`${base}.json.new`, JSON.stringify({ ...entry, startedAt }), { mode: 0o600 });
  renameSync(`${base}.json.new`, `${base}.json`);
}

async function close(server: Server, clients: Set<Socket>, base: string): Promise<void> {
  remove(base);
  if (announced.size === 0) process.off("exit", removeAll);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const client of clients) client.end();
  const timer = setTimeout(() => {
    for (const client of clients) client.destroy();
  }, CLOSE_MS);
  await closed;
  clearTimeout(timer);
}

/* ---- one client ---- */

async function serve(client: Socket, node: Inspectable): Promise<void> {
  try {
    for await (const line of linesOf(client)) {
      const text = await answerTo(line, node);
      if (client.destroyed) return;
      // One answer at a time: a client that does not read is not answered further.
      if (!client.write(text)) await drained(client);
    }
    // Not `end()` alone: who sent too much may never stop sending.
    client.end(() => client.destroy());
  } catch {
    client.destroy();
  }
}

/** Requests as they arrive. One that is too long ends the conversation with an error. */
async function* linesOf(client: Socket): AsyncGenerator<string | ActorError> {
  client.setEncoding("utf8");
  const tooLong = new ActorError("E_USAGE", `a request is longer than ${REQUEST_MAX} characters`, {
    fix: "send one JSON object a line",
  });
  let rest = "";
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of [...lines, ...(rest.length > REQUEST_MAX ? [rest] : [])]) {
      if (line.length > REQUEST_MAX) return yield tooLong;
      if (line.trim() !== "") yield line;
    }
  }
  if (rest.trim() !== "") yield rest;
}

const drained = (client: Socket) =>
  new Promise<void>((resolve) => {
    client.once("drain", resolve);
    client.once("close", () => resolve());
  });

/** One request, as text or as what is wrong with it → one answer as text. Never throws. */
async function answerTo(line: string | ActorError, node: Inspectable): Promise<string> {
  let id = 0;
  try {
    if (line instanceof ActorError) throw line;
    const value = parseJson(line);
    const given = (value as { id?: unknown } | null)?.id;
    if (typeof given === "number") id = given;
    const parsed = request.safeParse(value);
    if (!parsed.success) throw badRequest(parsed.error.issues[0]?.message ?? "no request");
    const text = JSON.stringify({ id, ok: await perform(parsed.data, node) }, plain);
    if (text.length <= ANSWER_MAX) return `${text}\n`;
    throw new ActorError("overloaded", "the answer would be too long", { fix: "ask for less" });
  } catch (error) {
    return `${JSON.stringify({ id, error: errorFields(error) })}\n`;
  }
}

const badRequest = (what: string) =>
  new ActorError("E_USAGE", `this is no request: ${what.slice(0, TEXT_MAX)}`, {
    fix: 'send one JSON object a line, like {"id":1,"command":"tree"}',
  });

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

function errorFields(error: unknown): Record<string, string | undefined> {
  if (error instanceof ActorError) {
    const { code, message, at, fix } = error;
    return { code, message: message.slice(0, TEXT_MAX), at: at?.slice(0, TEXT_MAX), fix };
  }
  const message = error instanceof Error ? error.message : "something that is no error was thrown";
  return { code: "E_INTERNAL", message: message.slice(0, TEXT_MAX) };
}

async function perform(asked: Request, node: Inspectable): Promise<unknown> {
  switch (asked.command) {
    case "tree":
      return boundTree(await inTime(node.tree()), asked.childrenMax ?? Number.POSITIVE_INFINITY);
    case "show":
      return boundDetail(await inTime(node.show(asked.path)));
    case "letters":
      return await inTime(node.letters(asked.asked));
    case "questions":
      return await inTime(node.questions());
    case "budgets":
      return await inTime(node.budgets(asked.raise as RaiseRequest | null));
    case "answer":
      return await inTime(node.answer(asked.said));
    default:
      return await node.act(asked.command, asked.path);
  }
}

function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        new ActorError("timeout", `the node did not answer within ${ANSWER_MS / 1_000} s`, {
          fix: "its threads are busy: try again, or look at the log of the node",
        }),
      );
    const timer = setTimeout(late, ANSWER_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Many clients asking at once are one question: looking costs the node the same. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= ask().finally(() => {
      running = null;
    });
    return running;
  };
}
