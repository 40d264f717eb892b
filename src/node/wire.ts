/**
 * Owns: child specs between threads. What the app's tree has at a path every thread has too, so it
 * does not travel; other specs travel by the names of their behaviours and tools: closures never
 * cross. Does not own: all other envelopes (batch.ts).
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import { type App, behavioursOf, specAt, visitSpecs } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import type { ActorSpec, ChildSpec, SupervisorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { Envelope } from "../kernel/ports.ts";

/** What an app can name. */
export interface Names {
  readonly behaviours: ReadonlyMap<string, AnyBehaviour>;
  readonly tools: ReadonlyMap<string, AnyTool>;
  /** What the tree has at a path, null = nothing. */
  readonly specAt: (path: string) => ChildSpec | null;
}

export function namesOf(app: App): Names {
  const tools = new Map<string, AnyTool>();
  visitSpecs(app.root, (spec) => {
    if (spec.kind === "actor") for (const each of spec.tools) tools.set(each.name, each);
  });
  return { behaviours: behavioursOf(app), tools, specAt: (path) => specAt(app.root, path) };
}

type Wire = Record<string, unknown>;

/** @throws ActorError E_SPEC_CHILD for what the app cannot name */
function named<T>(values: ReadonlyMap<string, T>, what: string, name: string, id: unknown): T {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new ActorError("E_SPEC_CHILD", `the app knows no ${what} ${name}`, {
    at: `child ${String(id)}`,
    fix:
      what === "tool"
        ? "grant it to a child of the app's tree, so that every thread knows it"
        : "name it in app({ behaviours: […] })",
  });
}

/** @throws ActorError E_SPEC_CHILD */
function packSpec(spec: ChildSpec, names: Names): Wire {
  if (spec.kind === "actor") {
    const { id } = spec;
    const behaviour = named(names.behaviours, "behaviour", spec.behaviour.name, id).name;
    const tools = spec.tools.map((each) => named(names.tools, "tool", each.name, id).name);
    return { ...spec, behaviour, tools };
  }
  const template = spec.template && packSpec(spec.template, names);
  return { ...spec, children: spec.children.map((each) => packSpec(each, names)), template };
}

/** @throws ActorError E_SPEC_CHILD when this thread's app is not the sender's */
function unpackSpec(wire: Wire, names: Names): ChildSpec {
  if (wire.kind === "supervisor") {
    const children = (wire.children as Wire[]).map((each) => unpackSpec(each, names));
    const template = wire.template ? unpackSpec(wire.template as Wire, names) : null;
    return { ...(wire as unknown as SupervisorSpec), children, template };
  }
  const { id } = wire;
  const behaviour = named(names.behaviours, "behaviour", wire.behaviour as string, id);
  const tools = (wire.tools as string[]).map((name) => named(names.tools, "tool", name, id));
  return { ...(wire as unknown as ActorSpec), behaviour, tools };
}

const isSpec = (value: unknown): value is ChildSpec => {
  const kind = (value as { kind?: unknown } | null)?.kind;
  return kind === "actor" || kind === "supervisor";
};

/** An envelope whose specs are names. @throws ActorError E_SPEC_CHILD */
export function pack(envelope: Envelope, names: Names): unknown {
  if (envelope.kind === "start") {
    // The same object on the other side: what all actors of a spec share is kept once.
    const known = names.specAt(envelope.to) === envelope.spec;
    return { ...envelope, spec: known ? null : packSpec(envelope.spec, names) };
  }
  if (envelope.kind === "move" && envelope.step.do === "arrive") {
    const { luggage } = envelope.step;
    const known = names.specAt(envelope.to) === luggage.spec;
    const spec = known ? null : packSpec(luggage.spec, names);
    return { ...envelope, step: { do: "arrive", luggage: { ...luggage, spec } } };
  }
  if (envelope.kind === "call" && envelope.request.op === "start_child" && envelope.request.spec) {
    const spec = packSpec(envelope.request.spec, names);
    return { ...envelope, request: { ...envelope.request, spec } };
  }
  if (envelope.kind === "reply" && envelope.answer.ok) {
    const result = envelope.answer.value as { ok?: unknown } | null | undefined;
    // get_childspec answers with a spec; views of children look alike but hold no behaviour.
    if (typeof result === "object" && isSpec(result?.ok) && "significant" in result.ok) {
      return { ...envelope, answer: { ok: true, value: { ok: packSpec(result.ok, names) } } };
    }
  }
  return envelope;
}

/** @throws ActorError E_SPEC_CHILD when this thread's app is not the sender's */
function specOf(packed: unknown, path: string, names: Names): ChildSpec {
  const wire = packed as Wire | null;
  const spec = wire === null ? names.specAt(path) : unpackSpec(wire, names);
  if (spec !== null) return spec;
  throw new ActorError("E_SPEC_CHILD", "the app's tree has no such child on this thread", {
    at: path,
    fix: "make the same tree whenever the app module is imported",
  });
}

/** @throws ActorError E_SPEC_CHILD when this thread's app is not the sender's */
export function unpack(value: Envelope, names: Names): Envelope {
  if (value.kind === "start") return { ...value, spec: specOf(value.spec, value.to, names) };
  if (value.kind === "move" && value.step.do === "arrive") {
    const { luggage } = value.step;
    const spec = specOf(luggage.spec, value.to, names) as ActorSpec;
    return { ...value, step: { do: "arrive", luggage: { ...luggage, spec } } };
  }
  if (value.kind === "call" && value.request.op === "start_child" && value.request.spec) {
    const spec = unpackSpec(value.request.spec as unknown as Wire, names);
    return { ...value, request: { ...value.request, spec } };
  }
  return value;
}
