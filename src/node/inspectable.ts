/**
 * Owns: the node as inspection sees it: the whole tree, one process, and acting on one by path.
 * Does not own: the socket (observe/inspect.ts).
 */
import { type App, mayHibernate, specAt } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import type { ProcessView } from "../kernel/inspect.ts";
import { CONTROL } from "../kernel/placement.ts";
import type { AdminRequest, AdminResult } from "../kernel/supervision.ts";
import type { BudgetView, Detail, Inspectable, NodeView, RaiseRequest } from "../observe/view.ts";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { letters } from "./letters.ts";
import { mergeTree } from "./merge.ts";
import type { ThreadView } from "./messages.ts";
import { answerQuestion, questionsOf } from "./people.ts";
import { monotonicMs } from "./pump.ts";
import type { Thread } from "./thread.ts";

/** What inspection needs of a node. */
export interface Node {
  readonly app: App;
  readonly url: URL;
  readonly folder: string | null;
  readonly threads: readonly Thread[];
  readonly host: Host;
  readonly startedAt: Date;
  readonly cluster: Cluster | null;
  threadOf(path: string): number;
  stop(): Promise<void>;
}

type Act = Parameters<Inspectable["act"]>[0];

async function tree(node: Node): Promise<NodeView> {
  const asked = await Promise.all(node.threads.map((each) => each.snapshot()));
  const views = asked.filter((each): each is ThreadView => each !== null);
  return {
    pid: process.pid,
    app: node.url.pathname,
    data: node.folder,
    store: node.app.store.kind,
    cluster: node.cluster?.view() ?? null,
    startedAt: node.startedAt.toISOString(),
    nowMs: monotonicMs(),
    threads: views.map(({ thread, turns, processes }) => {
      const generation = node.threads[thread]?.data.generation ?? 0;
      return { thread, generation, turns, processes: processes.length };
    }),
    deadLetters: views.reduce((sum, each) => sum + each.deadLetters, 0),
    fencedCalls: views.reduce((sum, each) => sum + each.fencedCalls, 0),
    processes: mergeTree(views) as NodeView["processes"],
  };
}

async function find(node: Node, path: string): Promise<ProcessView> {
  const rowOf = async () => (await tree(node)).processes.find((each) => each.path === path);
  const row = (await rowOf()) ?? ((await wake(node, path)) ? await rowOf() : undefined);
  if (row !== undefined) return row as ProcessView;
  throw new ActorError("E_PATH_UNKNOWN", `nothing has the path ${path}`, {
    at: node.url.pathname,
    fix: "coppice tree shows the paths there are",
  });
}

/** Perhaps it is asleep: whoever looks at it wakes it. @returns is it there? */
async function wake(node: Node, path: string): Promise<boolean> {
  if (!mayHibernate(node.app.root, path)) return false;
  const at = path.lastIndexOf("/");
  const request: AdminRequest = { op: "which_child", id: path.slice(at + 1) };
  return ask(node, path.slice(0, at), request).then(
    () => true,
    () => false,
  );
}

const DONE: Record<Act, string> = {
  stop: "stopped",
  restart: "restarted",
  suspend: "suspended",
  resume: "resumed",
  kill: "killed",
};

async function act(node: Node, command: Act, path: string): Promise<string> {
  const row = await find(node, path);
  const { transport } = node.host;
  if (command === "suspend" || command === "resume") {
    transport.send(row.thread, { kind: command, to: path });
  } else if (command === "kill") {
    transport.send(row.thread, { kind: "kill", to: path, life: 0, by: "operator" });
  } else {
    const at = path.lastIndexOf("/");
    const parent = path.slice(0, at);
    const id = path.slice(at + 1);
    if (parent === "") await actOnRoot(node, command);
    else
      await ask(node, parent, { op: command === "stop" ? "terminate_child" : "renew_child", id });
  }
  return `${path} ${DONE[command]}`;
}

async function actOnRoot(node: Node, command: Act): Promise<void> {
  if (command === "stop") {
    // The answer leaves first: stopping the root stops the node with its socket.
    setTimeout(() => void node.stop(), 50);
    return;
  }
  throw new ActorError("refused", "the root cannot be restarted from inside", {
    at: `/${node.app.root.id}`,
    fix: "stop the node and run the app again",
  });
}

function ask(node: Node, parent: string, request: AdminRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    node.host.kernel.call(parent, request, Number.POSITIVE_INFINITY, (answer) => {
      const result = answer.ok ? (answer.value as AdminResult) : { error: answer.message };
      if (!("error" in result)) return resolve();
      const fact = `${parent} refused: ${result.error}`;
      reject(new ActorError("refused", fact, { at: parent, fix: "look with coppice show" }));
    });
  });
}

/** What counts in one life of an actor is held by the actor itself: no books, nothing to raise. */
const OF_ONE_LIFE = ["steps", "reductions"] as const;

async function budgets(node: Node, raise: RaiseRequest | null): Promise<BudgetView[]> {
  const own = raise && OF_ONE_LIFE.find((each) => raise.more[each] !== undefined);
  if (raise && own && specAt(node.app.root, raise.path)?.kind === "actor") {
    throw new ActorError("E_QUOTA_UNHELD", `${own} of an actor count in one life`, {
      at: raise.path,
      fix: "raise them in its spec, or those of a supervisor above it",
    });
  }
  return ((await node.threads[CONTROL]?.budgets(raise)) ?? []) as BudgetView[];
}

/** A node's {@link Inspectable}. */
export function inspectable(node: Node): Inspectable {
  return {
    tree: () => tree(node),
    show: async (path) => {
      const row = await find(node, path);
      const all = await budgets(node, null);
      const quota = all.find((each) => each.path === path)?.rows ?? [];
      const found = (await node.threads[row.thread]?.detail(path)) ?? null;
      if (found !== null) return { ...found, quota, lastExit: row.lastExit } as Detail;
      // Known to its supervisor, but not running.
      const none = { state: "", mailHead: [], links: [], watching: [], watchers: [] };
      const counts = { timers: 0, asks: 0, tools: null, quota };
      return { ...row, ...none, ...counts, spec: {}, deadLetters: [] } as Detail;
    },
    act: (command, path) => act(node, command, path),
    letters: (asked) => letters(node, asked),
    questions: () => questionsOf(node.app, node.host.kernel),
    budgets: (raise = null) => budgets(node, raise),
    answer: (said) => answerQuestion(node.app, node.host.kernel, said),
  };
}
