// What the CLI's tests stand on: a folder of nodes of their own, a fake node behind the real
// server, a command line run in this process with captured output, and one run in a process.

import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { ActorError } from "../../src/actor/errors.ts";
import { dispatch, errorStyle } from "../../src/cli/dispatch.ts";
import type { Io } from "../../src/cli/terminal.ts";
import {
  type BudgetView,
  type Detail,
  type Inspectable,
  type LetterRequest,
  type LettersView,
  type NodeView,
  type ProcessRow,
  type Question,
  type Said,
  serveInspection,
} from "../../src/observe/inspect.ts";

export const root = join(import.meta.dirname, "..", "..");

/** A temporary folder for each test, in which nodes announce themselves. */
export function ownFolder(): { readonly path: string } {
  const own = { path: "" };
  const before = process.env.TMPDIR;
  beforeEach(() => {
    own.path = realpathSync(mkdtempSync(join(before ?? tmpdir(), "coppice-cli-")));
    process.env.TMPDIR = own.path;
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(own.path, { recursive: true, force: true });
  });
  return own;
}

const open: { close(): Promise<void> }[] = [];

/** Serves a node until the end of the test. */
export async function serve(
  node: Inspectable,
  info: { app?: string; data?: string | null } = {},
): Promise<string> {
  const served = await serveInspection(node, { app: "/apps/desk.ts", data: null, ...info });
  open.push(served);
  return served.socket;
}

/** A line of the tree with what a test leaves out filled in. */
export function row(path: string, fields: Partial<ProcessRow> = {}): ProcessRow {
  const actor = { kind: "actor", runs: "worker", status: "idle", incarnation: 1 } as const;
  const counts = { thread: 1, mail: 0, reductions: 0, handled: 0, moves: 0 };
  const limits = { durable: false, restarts: 0, intensity: 0, periodMs: 0 };
  return { path, ...actor, ...counts, ...limits, lastExit: null, ...fields };
}

/** A supervisor's line. */
export const supervisorRow = (path: string, fields: Partial<ProcessRow> = {}): ProcessRow =>
  row(path, {
    kind: "supervisor",
    runs: "one_for_one",
    thread: 0,
    intensity: 3,
    periodMs: 5_000,
    ...fields,
  });

export const NOW_MS = 1_000_000;

/** A node that says what it is told to say. */
export class FakeNode implements Inspectable {
  /** What waits for a person. */
  open: Question[] = [];
  rows: ProcessRow[];
  nowMs = NOW_MS;
  cluster: NodeView["cluster"] = null;
  /** "kill /desk/a", and "tree", "show /desk/a". */
  readonly asked: string[] = [];
  detail: Partial<Detail> = {};
  quotas: BudgetView[] = [];
  /** What is said of dead letters. */
  dead: (asked: LetterRequest) => LettersView = () => ({ total: 0, silent: 0, letters: [] });
  /** Runs before each answer. */
  before: () => unknown = () => {};

  constructor(rows: ProcessRow[]) {
    this.rows = rows;
  }

  async budgets(): Promise<BudgetView[]> {
    this.asked.push("budgets");
    return this.quotas;
  }

  async tree(): Promise<NodeView> {
    this.asked.push("tree");
    await this.before();
    return {
      pid: process.pid,
      app: "/apps/desk.ts",
      data: null,
      store: "memory",
      cluster: this.cluster,
      startedAt: new Date(0).toISOString(),
      nowMs: this.nowMs,
      threads: [{ thread: 0, generation: 0, processes: this.rows.length, turns: 7 }],
      deadLetters: 0,
      fencedCalls: 0,
      processes: this.rows,
    };
  }

  async show(path: string): Promise<Detail> {
    this.asked.push(`show ${path}`);
    await this.before();
    const lists = { mailHead: [], links: [], watching: [], watchers: [], deadLetters: [] };
    const rest = {
      spec: {},
      state: "",
      timers: 0,
      asks: 0,
      tools: null,
      quota: [],
      ...this.detail,
    };
    return { ...this.#row(path), ...lists, ...rest };
  }

  async letters(asked: LetterRequest): Promise<LettersView> {
    this.asked.push(JSON.stringify(asked));
    await this.before();
    return this.dead(asked);
  }

  async questions(): Promise<Question[]> {
    return this.open;
  }

  async answer({ key, allow, why }: Said): Promise<string> {
    this.asked.push(`${allow ? "approve" : "deny"} ${key} ${why}`);
    return `${key} ${allow ? "approved" : "denied"}`;
  }

  async act(command: string, path: string): Promise<string> {
    this.asked.push(`${command} ${path}`);
    await this.before();
    this.#row(path);
    return `${path} done: ${command}`;
  }

  #row(path: string): ProcessRow {
    const found = this.rows.find((each) => each.path === path);
    if (found !== undefined) return found;
    throw new ActorError("E_PATH_UNKNOWN", `nothing has the path ${path}`, {
      at: "/apps/desk.ts",
      fix: "coppice tree shows the paths there are",
    });
  }
}

/* ---- command lines ---- */

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export async function cli(
  args: readonly string[],
  given: Partial<Omit<Io, "out" | "err">> = {},
): Promise<Outcome> {
  const text = { out: "", err: "" };
  const write = (to: "out" | "err") => ({
    write: (part: string) => {
      text[to] += part;
    },
  });
  const io: Io = {
    out: write("out"),
    err: write("err"),
    terminal: null,
    errTerminal: false,
    colour: false,
    cwd: process.cwd(),
    onKey: () => () => {},
    survivesBrokenPipe: false,
    ...given,
  };
  const status = await dispatch(args, io, errorStyle(args, {}));
  return { status, ...text };
}

/** Runs a command line in a process of its own; the folder of nodes is the test's. */
export async function inProcess(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; signalAt?: [RegExp, NodeJS.Signals] } = {},
): Promise<Outcome> {
  const main = join(root, "src", "cli", "main.ts");
  const child = spawn(process.execPath, ["--conditions=coppice-source", main, ...args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text.out += part;
    if (options.signalAt?.[0].test(text.out)) child.kill(options.signalAt[1]);
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text.err += part;
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  child.once("close", (code, signal) => resolve(code ?? (signal === null ? -1 : -2)));
  return { status: await promise, ...text };
}

/** What `--json` wrote to stderr. */
export const errorOf = (outcome: Outcome) =>
  JSON.parse(outcome.err).error as { code: string; message: string; at?: string; fix?: string };
