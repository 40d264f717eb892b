/**
 * Owns: child(), supervisor(), dynamic(): validated specs with every default filled in, here and
 * nowhere else. Does not own: the app around the tree (app.ts).
 */
import type { z } from "zod";
import { type AnyBehaviour, type Behaviour, checkArgs, checkId } from "./actor.ts";
import { ActorError } from "./errors.ts";
import { type Names, noSlips } from "./names.ts";
import {
  ACTOR_SETTINGS,
  type ActorSettings,
  ANY_SETTINGS,
  type AutoShutdown,
  CHILD_SETTINGS,
  DYNAMIC_FLAGS,
  type DynamicFlags,
  type Overflow,
  type Placement,
  type Restart,
  type Shutdown,
  type Strategy,
  SUPERVISOR_FLAGS,
  type SupervisorFlags,
} from "./options.ts";
import type { Messages } from "./protocol.ts";
import { type QuotaLimits, readQuota } from "./quota.ts";
import { type RunawayLimits, readRunaway } from "./runaway.ts";
import { settings } from "./settings.ts";
import { type AnyTool, toolsOf } from "./tool.ts";

export type * from "./options.ts";

/** A child that runs a behaviour, complete. Made by {@link child}. */
export interface ActorSpec {
  readonly kind: "actor";
  readonly id: string;
  readonly behaviour: AnyBehaviour;
  readonly args: unknown;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  readonly placement: Placement;
  readonly threadHeapBytes: number | null;
  readonly durable: boolean;
  readonly movable: boolean;
  readonly tools: readonly AnyTool[];
  readonly mailboxMax: number;
  readonly overflow: Overflow;
  readonly maxDeliveries: number;
  readonly maxInterruptions: number;
  readonly startTimeoutMs: number | "infinity";
  readonly sliceMs: number;
  readonly maxReductions: number;
  readonly handlerTimeoutMs: number | "infinity";
  readonly askTimeoutMs: number;
  /** null: it never leaves the memory. */
  readonly hibernateAfterMs: number | null;
  readonly snapshotEvery: number;
  /** Of the state, encoded; null: no limit. */
  readonly stateMaxBytes: number | null;
  readonly validate: "edges" | "always";
  readonly runaway: RunawayLimits | null;
  readonly quota: QuotaLimits | null;
}

/** A supervisor, complete. Made by {@link supervisor} or {@link dynamic}. */
export interface SupervisorSpec {
  readonly kind: "supervisor";
  readonly id: string;
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly autoShutdown: AutoShutdown;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  readonly placement: Placement;
  readonly threadHeapBytes: number | null;
  readonly children: readonly ChildSpec[];
  readonly quota: QuotaLimits | null;
  /** Set in a dynamic supervisor: what each child is made of. */
  readonly template: ChildSpec | null;
  readonly maxChildren: number;
}

export type ChildSpec = ActorSpec | SupervisorSpec;

type Fault = "E_SPEC_COMBINATION" | "E_SPEC_CHILD" | "E_SPEC_DUPLICATE_ID" | "E_SPEC_SETTING";

const fail = (code: Fault, fact: string, at: string, fix: string) =>
  new ActorError(code, fact, { at, fix });

/** @throws E_SPEC_STRATEGY E_SPEC_COMBINATION */
function movableOf({ movable, placement = "spread" }: ActorSettings, at: string): boolean {
  const may = settings.flag(movable, false, "movable", at);
  if (!may || placement === "spread") return may;
  const fact = `movable: true and placement: "${placement}" exclude each other`;
  throw fail("E_SPEC_COMBINATION", fact, at, "leave one of the two out");
}

/** @param names of the settings there are */
function actorSpec(
  id: string,
  behaviour: AnyBehaviour,
  given: ActorSettings | undefined,
  names: Names<ActorSettings>,
): ActorSpec {
  const at = `child ${id}`;
  if (behaviour?.kind !== "behaviour") {
    throw fail("E_SPEC_CHILD", "the second argument is no behaviour", at, "pass what actor() made");
  }
  const options = noSlips(given, names, at, ANY_SETTINGS);
  return {
    kind: "actor",
    id,
    behaviour,
    args: undefined,
    ...settings.child(options, 5_000, at),
    durable: settings.flag(options.durable, false, "durable", at),
    movable: movableOf(options, at),
    tools: toolsOf(options.tools, at),
    mailboxMax: settings.integer(options.mailboxMax, 10_000, [1, 10_000_000], "mailboxMax", at),
    overflow: settings.word(options.overflow, ["mute", "reject", "drop"], "overflow", at),
    maxDeliveries: settings.integer(options.maxDeliveries, 0, [1, 1_000], "maxDeliveries", at),
    maxInterruptions: settings.integer(
      options.maxInterruptions,
      10,
      [1, 1_000],
      "maxInterruptions",
      at,
    ),
    ...settings.timeouts(options, at),
    ...settings.storing(options, at),
    validate: settings.word(options.validate, ["edges", "always"], "validate", at),
    quota: readQuota(options.quota, at),
    runaway: readRunaway(options.runaway, at),
  };
}

/**
 * A child of a supervisor that runs a behaviour.
 *
 * @throws E_SPEC_ID E_ARGS_SCHEMA E_SPEC_RANGE E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_CHILD E_UNITS
 */
export function child<A extends z.ZodType, S extends z.ZodType, M extends Messages>(
  id: string,
  behaviour: Behaviour<A, S, M>,
  ...[options]: undefined extends z.infer<A>
    ? [options?: ActorSettings & { args?: z.infer<A> }]
    : [options: ActorSettings & { args: z.infer<A> }]
): ActorSpec {
  checkId(id, "child id");
  const spec = actorSpec(id, behaviour, options, CHILD_SETTINGS);
  if (spec.hibernateAfterMs !== null) {
    const fact = "hibernateAfter on a child that is not started on demand";
    const fix = "put it on the children of a dynamic() supervisor: fixed children are few";
    throw fail("E_SPEC_COMBINATION", fact, `child ${id}`, fix);
  }
  return Object.freeze({ ...spec, args: checkArgs(behaviour, options?.args, `child ${id}`) });
}

/** Rules between a child and its supervisor, checked wherever the two meet (SEMANTICS 1.5). */
export function checkChild(spec: ChildSpec, autoShutdown: AutoShutdown, at: string): void {
  if (spec?.kind !== "actor" && spec?.kind !== "supervisor") {
    throw fail("E_SPEC_CHILD", "a child is not a child spec", at, "use child() or supervisor()");
  }
  if (!spec.significant) return;
  if (autoShutdown === "never" || spec.restart === "permanent") {
    const why = autoShutdown === "never" ? "autoShutdown: never" : "restart: permanent";
    throw fail(
      "E_SPEC_COMBINATION",
      `significant: true and ${why} exclude each other`,
      `${at}/${spec.id}`,
      "set autoShutdown on the supervisor and restart transient or temporary on the child",
    );
  }
}

/** Settles how often a message is delivered, now that the intensity is known (SEMANTICS 30.12). */
export function withDeliveries<T extends ChildSpec>(spec: T, intensity: number, at: string): T {
  if (spec.kind !== "actor") return spec;
  const most = Math.max(1, intensity);
  if (spec.maxDeliveries === 0) return { ...spec, maxDeliveries: Math.min(3, most) };
  if (!spec.durable || spec.maxDeliveries <= most) return spec;
  throw fail(
    "E_SPEC_COMBINATION",
    `maxDeliveries: ${spec.maxDeliveries} is more than intensity: ${intensity}`,
    `${at}/${spec.id}`,
    "raise the supervisor's intensity or lower maxDeliveries",
  );
}

/**
 * A supervisor with a fixed list of children, started in this order and stopped in reverse.
 *
 * @throws E_SPEC_ID E_SPEC_DUPLICATE_ID E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_RANGE
 *   E_SPEC_COMBINATION
 */
export function supervisor(
  id: string,
  given: SupervisorFlags,
  children: readonly ChildSpec[],
): SupervisorSpec {
  checkId(id, "supervisor id");
  const at = `supervisor ${id}`;
  const flags = noSlips(must(given, at), SUPERVISOR_FLAGS, at, ANY_SETTINGS);
  const autoShutdown = settings.word(
    flags.autoShutdown,
    ["never", "any_significant", "all_significant"],
    "autoShutdown",
    at,
  );
  if (!Array.isArray(children)) {
    throw fail("E_SPEC_CHILD", "children is not a list", at, "pass [child(…), …]");
  }
  const seen = new Set<string>();
  for (const spec of children) {
    checkChild(spec, autoShutdown, at);
    if (seen.has(spec.id)) {
      const fact = `two children are called "${spec.id}"`;
      const fix = "give each child of a supervisor an id of its own";
      throw fail("E_SPEC_DUPLICATE_ID", fact, at, fix);
    }
    seen.add(spec.id);
  }
  const { intensity, periodMs } = intensityOf(flags, at);
  return Object.freeze({
    kind: "supervisor" as const,
    id,
    strategy: settings.word(
      flags.strategy,
      ["one_for_one", "one_for_all", "rest_for_one"],
      "strategy",
      at,
    ),
    intensity,
    periodMs,
    autoShutdown,
    ...settings.child(flags, "infinity", at),
    quota: readQuota(flags.quota, at),
    children: Object.freeze(children.map((each) => withDeliveries(each, intensity, at))),
    template: null,
    maxChildren: 0,
  });
}

/** Flags are given, if only {}: else two arguments may have changed places. @throws E_SPEC_SETTING */
function must<T>(flags: T | undefined, at: string): T {
  if (flags !== undefined) return flags;
  throw fail("E_SPEC_SETTING", "no flags", at, "write {} for none");
}

const intensityOf = (flags: SupervisorFlags | DynamicFlags, at: string) => ({
  intensity: settings.integer(flags.intensity, 1, [0, 1_000_000], "intensity", at),
  periodMs: settings.period(flags.period, 5_000, "period", at),
});

/**
 * A supervisor whose children are started on demand with `ctx.start` or `system.start`. With a
 * behaviour, each start gives that behaviour's args; with a supervisor spec, each child is a copy
 * of that subtree.
 *
 * @throws E_SPEC_ID E_SPEC_RANGE E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_COMBINATION E_SPEC_CHILD
 */
export function dynamic(
  id: string,
  given: DynamicFlags,
  of: AnyBehaviour | SupervisorSpec,
  options?: ActorSettings,
): SupervisorSpec {
  checkId(id, "supervisor id");
  const at = `supervisor ${id}`;
  const flags = noSlips(must(given, at), DYNAMIC_FLAGS, at, ANY_SETTINGS);
  if (of?.kind === "supervisor" && options !== undefined) {
    const fact = "settings of a child that is a supervisor";
    throw fail("E_SPEC_COMBINATION", fact, at, "write them where that supervisor is declared");
  }
  const template: ChildSpec =
    of?.kind === "supervisor" ? of : actorSpec("child", of, options, ACTOR_SETTINGS);
  checkChild(template, "never", at);
  if (template.placement === "own-thread") {
    const fix = "put own-thread on the dynamic supervisor: its children share that thread";
    throw fail("E_SPEC_COMBINATION", "each child of a dynamic supervisor its own thread", at, fix);
  }
  const { intensity, periodMs } = intensityOf(flags, at);
  return Object.freeze({
    kind: "supervisor" as const,
    id,
    strategy: "one_for_one" as const,
    intensity,
    periodMs,
    autoShutdown: "never" as const,
    ...settings.child(flags, "infinity", at),
    quota: readQuota(flags.quota, at),
    children: [],
    template: withDeliveries(template, intensity, at),
    maxChildren: settings.integer(flags.maxChildren, 1e6, [0, 1e9], "maxChildren", at),
  });
}
