/**
 * Owns: the administrative calls of a supervisor (SEMANTICS 12, 13): what each answers in each
 * state of the child. Does not own: stopping and starting (work.ts).
 */
import { checkArgs, checkId } from "../actor/actor.ts";
import { SHUTDOWN } from "../actor/exit.ts";
import { type ChildSpec, checkChild, withDeliveries } from "../actor/spec.ts";
import { wake } from "./abreast.ts";
import {
  type AdminRequest,
  type Child,
  type ChildCounts,
  type ChildView,
  type Commands,
  type From,
  mayHibernate,
  newChild,
  type SupervisorState,
  shownStatus,
  specArgs,
} from "./supervision.ts";
import { remove, run } from "./work.ts";

/** Answers one call, at once or when the work it starts is over. */
export function answer(
  state: SupervisorState,
  request: AdminRequest,
  from: From,
  out: Commands,
  { looked = false, counted = false } = {},
): void {
  switch (request.op) {
    case "start_child":
      return state.spec.template
        ? startDynamic(state, request, from, out, counted)
        : startStatic(state, request.spec, from, out);
    case "which_children":
      return out.reply(from, { ok: [...state.children.values()].reverse().map(view) });
    case "count_children":
      if (mayHibernate(state) && !counted) return out.recount(request, from);
      return out.reply(from, { ok: counts(state) });
    case "rehome":
      return out.reply(from, { ok: null });
  }
  const child = state.children.get(request.id);
  const dynamic = state.spec.template !== null;
  if (dynamic && (request.op === "restart_child" || request.op === "delete_child")) {
    return out.reply(from, { error: "dynamic" });
  }
  if (child === undefined && mayHibernate(state) && !looked) {
    // Whoever is asleep is there: it comes back, and is dealt with as any other.
    return wake(
      state,
      [request.id],
      from,
      () => answer(state, request, from, out, { looked: true }),
      out,
    );
  }
  if (child === undefined) {
    // A dynamic child that has ended is a dead reference, and stopping the dead succeeds (10.7).
    const dead = dynamic && request.op === "terminate_child" && wasHandedOut(state, request.id);
    return out.reply(from, dead ? { ok: null } : { error: "not_found" });
  }
  answerAbout(state, child, request, from, out);
}

/** A call about one of its children. */
function answerAbout(
  state: SupervisorState,
  child: Child,
  request: AdminRequest,
  from: From,
  out: Commands,
): void {
  switch (request.op) {
    case "get_childspec":
      return out.reply(from, { ok: child.spec });
    case "which_child":
      return out.reply(from, { ok: view(child) });
    case "terminate_child":
      return run(state, "terminate", [{ do: "stop", child }], out, from);
    case "renew_child":
      return run(
        state,
        "revive",
        [
          { do: "stop", child },
          { do: "start", child },
        ],
        out,
        from,
      );
    case "restart_child":
      if (child.status !== "undefined") return out.reply(from, { error: busy(child) });
      return run(state, "revive", [{ do: "start", child }], out, from);
    case "delete_child":
      if (child.status !== "undefined") return out.reply(from, { error: busy(child) });
      return remove(state, child, out, () => out.reply(from, { ok: null }));
  }
}

const busy = (child: Child) => (child.status === "restarting" ? "restarting" : "running");

const wasHandedOut = (state: SupervisorState, id: string) =>
  /^#\d+$/.test(id) && Number(id.slice(1)) <= state.handedOut;

function view(child: Child): ChildView {
  const { id, starts, life, spec } = child;
  return { id, status: shownStatus(child), kind: spec.kind, starts, life };
}

function counts(state: SupervisorState): ChildCounts {
  const { template } = state.spec;
  const result = {
    specs: template ? 1 : state.children.size,
    active: 0,
    supervisors: 0,
    workers: 0,
  };
  for (const child of state.children.values()) {
    const alive = child.status === "up";
    if (template ? child.status !== "restarting" : alive) result.active++;
    if (child.spec.kind === "supervisor") result.supervisors++;
    else result.workers++;
  }
  result.active += state.asleep;
  result.workers += state.asleep;
  return result;
}

function startStatic(
  state: SupervisorState,
  spec: ChildSpec | undefined,
  from: From,
  out: Commands,
): void {
  const { autoShutdown, intensity, id } = state.spec;
  let known: ChildSpec;
  try {
    checkChild(spec as ChildSpec, autoShutdown, `supervisor ${id}`);
    known = withDeliveries(spec as ChildSpec, intensity, `supervisor ${id}`);
  } catch (error) {
    return out.reply(from, { error: "bad_spec", message: (error as Error).message });
  }
  const present = state.children.get(known.id);
  if (present !== undefined) {
    const { status } = present;
    const error = status === "up" || status === "dead" ? "already_started" : "already_present";
    return out.reply(from, { error });
  }
  const child = newChild(known.id, known, specArgs(known));
  run(state, "start", [{ do: "start", child }], out, from);
}

function startDynamic(
  state: SupervisorState,
  request: Extract<AdminRequest, { op: "start_child" }>,
  from: From,
  out: Commands,
  counted: boolean,
): void {
  const template = state.spec.template as ChildSpec;
  const own = request.id ?? null;
  let args = request.args;
  try {
    if (own !== null) checkId(own, "child id");
    if (template.kind === "actor") args = checkArgs(template.behaviour, args, `child ${own ?? ""}`);
  } catch (error) {
    return out.reply(from, { error: "bad_spec", message: (error as Error).message });
  }
  if (own !== null && state.children.has(own)) return out.reply(from, { error: "already_started" });
  if (state.children.size + state.asleep >= state.spec.maxChildren) {
    if (state.asleep > 0 && !counted) return out.recount(request, from);
    return out.reply(from, { error: "max_children" });
  }
  const id = own ?? nextId(state, out);
  const child = newChild(id, template, args);
  const retry = own === null && mayHibernate(state);
  const then = retry ? startAgain(state, request, from, out, counted) : null;
  run(state, "start", [{ do: "start", child }], out, from, SHUTDOWN, then);
}

/** (A function of its own: else each start would keep what it needs for this.) */
function startAgain(
  state: SupervisorState,
  request: Extract<AdminRequest, { op: "start_child" }>,
  from: From,
  out: Commands,
  counted: boolean,
): () => void {
  return () => {
    // A number that was handed out in an earlier life: far behind it there are none.
    state.handedOut *= 2;
    startDynamic(state, request, from, out, counted);
  };
}

/** The next number, unless a child was started under just that id, or would run elsewhere. */
function nextId(state: SupervisorState, out: Commands): string {
  for (;;) {
    const id = `#${++state.handedOut}`;
    if (!state.children.has(id) && (out.here?.(id) ?? true)) return id;
  }
}
