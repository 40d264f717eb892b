/**
 * Owns: where running nodes of this user announce themselves (a private folder of sockets and
 * entries), listing them, sweeping out what dead ones left, and choosing the one a command means.
 * Does not own: what is said over a socket (inspect.ts, cli/client.ts).
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve as resolvePath } from "node:path";
import { ActorError } from "../actor/errors.ts";
import { type NodeEntry, nodeEntry, printable } from "./view.ts";

/** How long a socket may take to accept before its node counts as busy. @unit ms */
const CONNECT_MS = 1_000;
/** Most bytes of an entry file; a real one has a few hundred. */
const ENTRY_BYTES = 65_536;
/** Names of the files of a node: its process id, and a number within that process. */
const NAME = /^(\d+-\d+)\.(sock|json|json\.new)$/;

/** The folder of this user's nodes. It need not exist. */
export function nodesFolder(): string {
  return join(tmpdir(), `coppice-${process.getuid?.() ?? "user"}`);
}

function foreign(folder: string, what: string): ActorError {
  return new ActorError("E_USAGE", `the folder of running nodes ${what}`, {
    at: folder,
    fix: "remove it, or set TMPDIR to a folder of your own; it must be a private folder of yours",
  });
}

/** Is the folder there, and nobody else's? Who owned it could answer in a node's name. */
function checkFolder(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (!stat.isDirectory()) throw foreign(folder, "is no folder");
  if (process.getuid !== undefined && stat.uid !== process.getuid()) {
    throw foreign(folder, "belongs to somebody else");
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return true;
}

/** Makes the folder, private. @throws ActorError when somebody else owns it */
export function openNodesFolder(): string {
  const folder = nodesFolder();
  if (!checkFolder(folder)) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (cause) {
      // Two nodes starting at once: the other one has made it.
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new ActorError("E_USAGE", "the folder of running nodes cannot be made", {
          at: folder,
          fix: "set TMPDIR to a folder you may write to",
          cause,
        });
      }
    }
    checkFolder(folder);
  }
  return folder;
}

/** Whether somebody listens: `false` is certain, and so its file is worth nothing. */
export function isServed(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    const done = (served: boolean) => {
      clearTimeout(timer);
      connection.destroy();
      resolve(served);
    };
    const timer = setTimeout(() => done(true), CONNECT_MS);
    connection.once("connect", () => done(true));
    connection.on("error", ({ code }: NodeJS.ErrnoException) => {
      done(code !== "ECONNREFUSED" && code !== "ENOENT" && code !== "ENOTSOCK");
    });
  });
}

/** The entry in a file, or null when it is none: broken, too long, of another version. */
function readEntry(file: string): NodeEntry | null {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > ENTRY_BYTES) return null;
    return nodeEntry.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function inspectFiles(folder: string, name: string): Promise<NodeEntry | null> {
  const socket = join(folder, `${name}.sock`);
  const remove = (...endings: string[]) => {
    for (const ending of endings) rmSync(join(folder, `${name}.${ending}`), { force: true });
  };
  // A process that lives may be writing its entry this very moment; its files are its own.
  const alive = isAlive(Number.parseInt(name, 10));
  if (!(await isServed(socket))) {
    const hasEntry = readEntry(join(folder, `${name}.json`)) !== null;
    if (!alive) remove("sock", "json", "json.new");
    else if (hasEntry) remove("json", "sock");
    return null;
  }
  const entry = readEntry(join(folder, `${name}.json`));
  if (entry === null && !alive) remove("json", "json.new");
  // The file's name is what was checked; an entry that points elsewhere is not believed.
  return entry === null ? null : { ...entry, socket };
}

/** Running nodes of this user, oldest first. What dead ones left is removed. */
export async function listNodes(): Promise<NodeEntry[]> {
  const folder = nodesFolder();
  if (!checkFolder(folder)) return [];
  const names = new Set(readdirSync(folder).flatMap((file) => NAME.exec(file)?.[1] ?? []));
  const entries = await Promise.all([...names].map((name) => inspectFiles(folder, name)));
  return entries
    .filter((each) => each !== null)
    .sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0));
}

/** A path without links, or as it is when there is nothing. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

const line = (entry: NodeEntry) =>
  printable(`pid ${entry.pid}  ${entry.app}  data ${entry.data ?? "(in memory)"}`);

function several(nodes: readonly NodeEntry[], what: string): ActorError {
  const list = nodes.map((each) => `\n    ${line(each)}`).join("");
  return new ActorError("E_USAGE", `${nodes.length} nodes ${what}:${list}`, {
    fix: "say which one: --data DIR, or --pid PID",
  });
}

function absent(nodes: readonly NodeEntry[], what: string, remedy: string): ActorError {
  const others = nodes.map((each) => `\n    ${line(each)}`).join("");
  const rest = nodes.length === 0 ? "" : `; running:${others}`;
  return new ActorError("E_NODE_ABSENT", `${what}${rest}`, { fix: remedy });
}

/** Those of them that were started in a folder. */
export const startedIn = (cwd: string, nodes: readonly NodeEntry[]): NodeEntry[] =>
  nodes.filter((each) => realPath(each.cwd) === realPath(cwd));

/** Which node is meant; `data` and `pid` as the user gave them. */
export interface NodeChoice {
  data?: string | undefined;
  pid?: number | undefined;
  /** Folder of the command: of several nodes, the only one started here is meant. */
  cwd: string;
}

/**
 * The node a command means: by process, by data folder, the only one, the only one of this folder.
 *
 * @throws ActorError E_NODE_ABSENT when none fits, E_USAGE when several do
 */
export async function findNode(choice: NodeChoice): Promise<NodeEntry> {
  const nodes = await listNodes();
  const only = (fitting: readonly NodeEntry[], what: string, nothing: () => ActorError) => {
    if (fitting.length > 1) throw several(fitting, what);
    if (fitting[0] === undefined) throw nothing();
    return fitting[0];
  };
  const { data, pid, cwd } = choice;
  if (pid !== undefined) {
    const fitting = nodes.filter((each) => each.pid === pid);
    const fact = `no node runs in process ${pid}`;
    const fix = "start one: coppice run APP";
    return only(fitting, `run in process ${pid}`, () => absent(nodes, fact, fix));
  }
  if (data !== undefined) {
    const folder = realPath(resolvePath(cwd, data));
    const fitting = nodes.filter((each) => each.data !== null && realPath(each.data) === folder);
    const fact = `no node runs on the data folder ${folder}`;
    const fix = `start one: coppice run APP --data ${data}`;
    return only(fitting, `run on ${folder}`, () => absent(nodes, fact, fix));
  }
  if (nodes.length <= 1) {
    const fact = `no node of yours is running (looked in ${nodesFolder()})`;
    return only(nodes, "", () => absent([], fact, "start one: coppice run APP"));
  }
  const here = startedIn(cwd, nodes);
  if (here.length > 1) throw several(here, "started in this folder are running");
  return only(here, "", () => several(nodes, "are running, none of them started in this folder"));
}
