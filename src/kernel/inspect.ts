/**
 * Owns: looking at a kernel without touching it: what runs here, and one member in detail. Every
 * answer is bounded; nothing waits in a mailbox for it (SEMANTICS 30.17).
 * Does not own: asking all threads and drawing (observe/, cli/).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { ChildSpec } from "../actor/spec.ts";
import type { ToolTotals } from "./belongings.ts";
import type { Cell } from "./cell.ts";
import type { Kernel, Member } from "./kernel.ts";
import type { Child } from "./supervision.ts";
import { SupervisorCell } from "./supervisor-cell.ts";

/** One line of the tree. */
export interface ProcessView {
  path: string;
  kind: "actor" | "supervisor";
  /** Behaviour's name, or the strategy (`dynamic` for a dynamic supervisor). */
  runs: string;
  thread: number;
  /** As in DESIGN §8, and `ready`, `suspended`; `undefined`, `restarting` for a child not running. */
  status: string;
  /** Number of starts of this child: 1 after the first. */
  incarnation: number;
  /** Waiting messages. */
  mail: number;
  reductions: number;
  handled: number;
  durable: boolean;
  /** How often this incarnation has gone to another thread. */
  moves: number;
  /** Supervisors: restarts in the present window, and the limit. */
  restarts: number;
  intensity: number;
  periodMs: number;
  /** Why it ended last time, and when on the node's clock. */
  lastExit: { reason: ExitReason; atMs: number } | null;
}

/** One member in full. */
export interface ProcessDetail extends ProcessView {
  spec: Record<string, unknown>;
  state: string;
  mailHead: { type: string; from: string; message: string }[];
  links: string[];
  watching: string[];
  watchers: string[];
  timers: number;
  asks: number;
  tools: ToolTotals | null;
  deadLetters: { type: string; from: string; reason: string; atMs: number }[];
}

/** Longest text of a value in an answer. @unit characters */
const TEXT_MAX = 4_000;
const LIST_MAX = 20;

/** A value as bounded text. */
export function show(value: unknown, max = TEXT_MAX): string {
  let text: string;
  try {
    text =
      JSON.stringify(value, (_key, each) =>
        typeof each === "bigint" ? `${each}n` : each instanceof Map ? [...each] : each,
      ) ?? String(value);
  } catch {
    text = "(cannot be shown)";
  }
  return text.length > max ? `${text.slice(0, max)}… (${text.length} characters)` : text;
}

/** All that runs on this kernel, and the children of its supervisors that do not run. */
export function snapshot(kernel: Kernel): ProcessView[] {
  const views: ProcessView[] = [];
  for (const member of kernel.members.values()) {
    views.push(viewOf(kernel, member));
    if (!(member instanceof SupervisorCell)) continue;
    for (const child of member.state.children.values()) {
      if (child.status === "undefined" || child.status === "restarting") {
        views.push(absentView(kernel, member, child));
      }
    }
  }
  return views;
}

/** What supervisors know of their children: last exits by path, and the start order. */
export function childFacts(kernel: Kernel) {
  const lastExits: Record<string, ProcessView["lastExit"]> = {};
  const order: Record<string, string[]> = {};
  for (const member of kernel.members.values()) {
    if (!(member instanceof SupervisorCell)) continue;
    const { children } = member.state;
    order[member.path] = [...children.keys()];
    for (const child of children.values()) {
      if (child.lastExit !== null) lastExits[member.childPath(child)] = child.lastExit;
    }
  }
  return { lastExits, order };
}

/** One member, or null when it does not run here. */
export function detail(kernel: Kernel, path: string): ProcessDetail | null {
  const member = kernel.members.get(path);
  if (member === undefined) return null;
  const deadLetters = kernel.dead
    .list()
    .filter((each) => each.to === path)
    .slice(-LIST_MAX)
    .map(({ type, from, reason, atMs }) => ({ type, from, reason, atMs }));
  const base = { ...viewOf(kernel, member), spec: plainSpec(member.spec), deadLetters };
  const none = {
    state: "",
    mailHead: [],
    links: [],
    watching: [],
    watchers: [],
    timers: 0,
    asks: 0,
    tools: null,
  };
  return member instanceof SupervisorCell ? { ...base, ...none } : { ...base, ...insides(member) };
}

function insides(cell: Cell) {
  const more = cell.own !== null ? cell.more : null;
  const mailHead: ProcessDetail["mailHead"] = [];
  for (const item of cell.mailbox) {
    if (mailHead.length === LIST_MAX) break;
    if (item.kind !== "mail") mailHead.push({ type: `(${item.kind})`, from: "", message: "" });
    else mailHead.push({ type: item.type, from: item.from, message: show(item.message, 200) });
  }
  const some = (values: Iterable<string>) => [...values].slice(0, LIST_MAX);
  return {
    state: stateText(cell),
    mailHead,
    links: some(more?.links ?? []),
    watching: some(more?.watching.values() ?? []),
    watchers: some([...(more?.watchers.values() ?? [])].map((each) => each.from)),
    timers: more?.timers.size ?? 0,
    asks: more?.asks.size ?? 0,
    tools: more?.tools ?? null,
  };
}

/** The behaviour's own view if it has one; a view that throws does no harm (SEMANTICS 25.5). */
function stateText(cell: Cell): string {
  try {
    if (!cell.started) return "";
    return show(cell.behaviour.view ? cell.behaviour.view(cell.state) : cell.state);
  } catch {
    return "(the behaviour's view failed)";
  }
}

/** A spec as plain data: behaviours and tools by name. */
export function plainSpec(spec: ChildSpec): Record<string, unknown> {
  if (spec.kind === "actor") {
    const { behaviour, tools, ...rest } = spec;
    return { ...rest, behaviour: behaviour.name, tools: tools.map((each) => each.name) };
  }
  const { children, template, ...rest } = spec;
  return {
    ...rest,
    children: children.map((each) => each.id),
    template: template && plainSpec(template),
  };
}

function viewOf(kernel: Kernel, member: Member): ProcessView {
  const { path, incarnation, reductions } = member;
  const base = { path, thread: kernel.thread, incarnation, reductions, lastExit: null };
  if (member instanceof SupervisorCell) {
    const { state } = member;
    const busy = member.started ? (state.work === null ? "idle" : "busy") : "starting";
    return {
      ...base,
      ...supervisorFields(member.spec),
      status: state.suspended ? "suspended" : busy,
      mail: state.inbox.size + member.signals.size,
      restarts: state.restarts.length,
    };
  }
  const ready = member.follower !== null && member.status === "idle" ? "ready" : member.status;
  return {
    ...base,
    ...actorFields(member.spec),
    status: member.suspended ? "suspended" : ready,
    mail: member.mailbox.size,
    handled: member.handled,
    moves: member.own?.moves ?? 0,
  };
}

function absentView(kernel: Kernel, parent: SupervisorCell, child: Child): ProcessView {
  const { spec, status, starts, lastExit } = child;
  const fields = spec.kind === "actor" ? actorFields(spec) : supervisorFields(spec);
  const path = parent.childPath(child);
  const { thread } = kernel;
  return { ...fields, path, thread, status, incarnation: starts, mail: 0, reductions: 0, lastExit };
}

const actorFields = (spec: Extract<ChildSpec, { kind: "actor" }>) => ({
  kind: "actor" as const,
  runs: spec.behaviour.name,
  durable: spec.durable,
  handled: 0,
  moves: 0,
  restarts: 0,
  intensity: 0,
  periodMs: 0,
});

const supervisorFields = (spec: Extract<ChildSpec, { kind: "supervisor" }>) => ({
  kind: "supervisor" as const,
  runs: spec.template ? "dynamic" : spec.strategy,
  durable: false,
  handled: 0,
  moves: 0,
  restarts: 0,
  intensity: spec.intensity,
  periodMs: spec.periodMs,
});
