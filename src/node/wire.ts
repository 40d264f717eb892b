/**
 * Owns: envelopes as bytes between threads. Specs travel by the names of their behaviours and
 * tools, which every thread has from the app module: closures never cross.
 * Does not own: when a batch is sent (transport.ts).
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import { type App, behavioursOf, visitSpecs } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import type { ActorSpec, ChildSpec, SupervisorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { Envelope } from "../kernel/ports.ts";
import { decode, encode } from "../store/codec.ts";

/** What an app can name. */
export interface Names {
  readonly behaviours: ReadonlyMap<string, AnyBehaviour>;
  readonly tools: ReadonlyMap<string, AnyTool>;
}

export function namesOf(app: App): Names {
  const tools = new Map<string, AnyTool>();
  visitSpecs(app.root, (spec) => {
    if (spec.kind === "actor") for (const each of spec.tools) tools.set(each.name, each);
  });
  return { behaviours: behavioursOf(app), tools };
}

type Wire = Record<string, unknown>;

function packSpec(spec: ChildSpec): Wire {
  if (spec.kind === "actor") {
    const tools = spec.tools.map((each) => each.name);
    return { ...spec, behaviour: spec.behaviour.name, tools };
  }
  const template = spec.template && packSpec(spec.template);
  return { ...spec, children: spec.children.map(packSpec), template };
}

function unpackSpec(wire: Wire, names: Names): ChildSpec {
  if (wire.kind === "supervisor") {
    const children = (wire.children as Wire[]).map((each) => unpackSpec(each, names));
    const template = wire.template ? unpackSpec(wire.template as Wire, names) : null;
    return { ...(wire as unknown as SupervisorSpec), children, template };
  }
  const behaviour = names.behaviours.get(wire.behaviour as string);
  if (behaviour === undefined) {
    throw new ActorError("E_SPEC_CHILD", `the app knows no behaviour ${String(wire.behaviour)}`, {
      at: `child ${String(wire.id)}`,
      fix: "name it in app({ behaviours: […] })",
    });
  }
  const tools = (wire.tools as string[]).map((name) => names.tools.get(name) as AnyTool);
  return { ...(wire as unknown as ActorSpec), behaviour, tools };
}

const isSpec = (value: unknown): value is ChildSpec => {
  const kind = (value as { kind?: unknown } | null)?.kind;
  return kind === "actor" || kind === "supervisor";
};

function pack(envelope: Envelope): unknown {
  if (envelope.kind === "start") return { ...envelope, spec: packSpec(envelope.spec) };
  if (envelope.kind === "call" && envelope.request.op === "start_child" && envelope.request.spec) {
    return { ...envelope, request: { ...envelope.request, spec: packSpec(envelope.request.spec) } };
  }
  if (envelope.kind === "reply" && envelope.answer.ok) {
    const result = envelope.answer.value as { ok?: unknown } | null | undefined;
    // get_childspec answers with a spec; views of children look alike but hold no behaviour.
    if (typeof result === "object" && isSpec(result?.ok) && "significant" in result.ok) {
      return { ...envelope, answer: { ok: true, value: { ok: packSpec(result.ok) } } };
    }
  }
  return envelope;
}

function unpack(value: Envelope, names: Names): Envelope {
  if (value.kind === "start") {
    return { ...value, spec: unpackSpec(value.spec as unknown as Wire, names) };
  }
  if (value.kind === "call" && value.request.op === "start_child" && value.request.spec) {
    const spec = unpackSpec(value.request.spec as unknown as Wire, names);
    return { ...value, request: { ...value.request, spec } };
  }
  return value;
}

/** A batch as bytes. @throws Error when a message holds what is no data */
export function packBatch(batch: readonly Envelope[]): Uint8Array {
  return encode(batch.map(pack));
}

export function unpackBatch(bytes: Uint8Array, names: Names): Envelope[] {
  return (decode(bytes) as Envelope[]).map((each) => unpack(each, names));
}
