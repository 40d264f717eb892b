/**
 * Owns: app(): a tree, its store and its limits as one value; looking things up in a tree.
 * Does not own: starting it (node/) or simulating it (sim/).
 */
import type { AnyBehaviour } from "./actor.ts";
import { ActorError, shown } from "./errors.ts";
import { type Names, onlyKnown } from "./names.ts";
import type { Policy, RulesPolicy } from "./policy.ts";
import type { ChildSpec, SupervisorSpec } from "./spec.ts";
import { type StoreSpec, sqlite } from "./store.ts";

/** An application: what an app module's default export is. */
export interface App {
  readonly kind: "app";
  readonly root: SupervisorSpec;
  readonly store: StoreSpec;
  /** Behaviours that children started by hand may run, besides those of the tree. */
  readonly behaviours: readonly AnyBehaviour[];
  /** Decides about granted tool calls; null: each of them runs. */
  readonly policy: Policy | null;
}

/** What {@link app} is told. */
interface AppOptions {
  root: SupervisorSpec;
  store?: StoreSpec;
  behaviours?: readonly AnyBehaviour[];
  policy?: Policy;
}

const OPTIONS: Names<AppOptions> = { root: true, store: true, behaviours: true, policy: true };

/**
 * An app: the default export of an app module.
 *
 * @param options.root a supervisor()
 * @param options.store where durable children live. @default sqlite()
 * @param options.policy decides about granted tool calls: rules(…), or a pure function
 * @throws E_SPEC_CHILD when root is no supervisor, or something else is not what it must be;
 *   E_SPEC_SETTING; E_POLICY when a rule asks nobody, or the policy is none
 */
export function app(given: AppOptions): App {
  const options = onlyKnown(given, OPTIONS, "app()");
  if (options.root?.kind !== "supervisor") {
    throw new ActorError("E_SPEC_CHILD", "root is not a supervisor", {
      at: "app()",
      fix: "pass root: supervisor(id, flags, children)",
    });
  }
  checkMemory(options.root);
  const { behaviours = [], store = sqlite() } = options;
  if (!["memory", "sqlite", "redis"].includes(store.kind)) {
    throw wrong(`store: ${shown(store)} is no store`, "give sqlite(), redis() or memory()");
  }
  if (!Array.isArray(behaviours) || behaviours.some((each) => each?.kind !== "behaviour")) {
    throw wrong("behaviours is no list of behaviours", "give [what actor() made, …]");
  }
  return Object.freeze({
    kind: "app" as const,
    root: options.root,
    store,
    behaviours,
    policy: checkPolicy(options.policy, options.root),
  });
}

const wrong = (fact: string, fix: string) =>
  new ActorError("E_SPEC_CHILD", fact, { at: "app()", fix });

/** Whom the rules ask must be there: a question to nobody would wait for ever. @throws E_POLICY */
function checkPolicy(policy: Policy | undefined, root: SupervisorSpec): Policy | null {
  if (policy !== undefined && typeof policy !== "function") {
    throw new ActorError("E_POLICY", `${shown(policy)} is no policy`, {
      at: "app({ policy })",
      fix: "give rules([…]), or a pure function of the call",
    });
  }
  for (const who of (policy as RulesPolicy | undefined)?.asks ?? []) {
    const spec = specAt(root, who);
    if (spec?.kind === "actor" && spec.behaviour.name === "human") continue;
    throw new ActorError("E_POLICY", `a rule asks ${who}, which is no human()`, {
      at: "app({ policy })",
      fix: "put human(id) at that path of the tree",
    });
  }
  return policy ?? null;
}

const usesMemory = (root: ChildSpec): boolean =>
  root.kind === "actor"
    ? root.tools.some(({ sandbox }) => sandbox.tier !== "inline")
    : root.children.concat(root.template ?? []).some(usesMemory);

/** A limit of memory where nothing is measured would hold nothing. @throws E_QUOTA_UNHELD */
function checkMemory(root: SupervisorSpec): void {
  visitSpecs(root, (spec, path) => {
    if (spec.quota?.memoryBytes === undefined || usesMemory(spec)) return;
    const fact = "quota.memory is of sandboxes and pool threads, and no tool here has one";
    throw new ActorError("E_QUOTA_UNHELD", fact, {
      at: path,
      fix: 'leave it out; a heap is limited by placement: "own-thread" with threadHeap',
    });
  });
}

/** Is this value what app() makes? */
export function isApp(value: unknown): value is App {
  return typeof value === "object" && value !== null && (value as App).kind === "app";
}

/** Visits every spec of a tree with its path, parents first; templates stand at `…/*`. */
export function visitSpecs(
  root: SupervisorSpec,
  visit: (spec: ChildSpec, path: string) => void,
): void {
  const walk = (spec: ChildSpec, path: string) => {
    visit(spec, path);
    if (spec.kind !== "supervisor") return;
    for (const each of spec.children) walk(each, `${path}/${each.id}`);
    if (spec.template) walk(spec.template, `${path}/*`);
  };
  walk(root, `/${root.id}`);
}

/** Name → behaviour of all that an app can run. @throws E_SPEC_DUPLICATE_ID for two of one name */
export function behavioursOf(app: App): Map<string, AnyBehaviour> {
  const found = new Map<string, AnyBehaviour>();
  const add = (behaviour: AnyBehaviour, at: string) => {
    const other = found.get(behaviour.name);
    if (other !== undefined && other !== behaviour) {
      throw new ActorError("E_SPEC_DUPLICATE_ID", `two behaviours are called ${behaviour.name}`, {
        at,
        fix: "give each behaviour of an app a name of its own",
      });
    }
    found.set(behaviour.name, behaviour);
  };
  visitSpecs(app.root, (spec, path) => spec.kind === "actor" && add(spec.behaviour, path));
  for (const behaviour of app.behaviours) add(behaviour, "app({ behaviours })");
  return found;
}

/** What the tree has at a path, children of dynamic supervisors included; null = nothing. */
export function specAt(root: SupervisorSpec, path: string): ChildSpec | null {
  const [, first, ...ids] = path.split("/");
  let spec: ChildSpec | null | undefined = first === root.id ? root : null;
  for (const id of ids) {
    if (spec?.kind !== "supervisor") return null;
    spec = spec.template ?? spec.children.find((each) => each.id === id);
  }
  return spec ?? null;
}

/** Is the actor of this path, as the tree has it, durable? */
export function isDurable(root: SupervisorSpec, path: string): boolean {
  const spec = specAt(root, path);
  return spec?.kind === "actor" && spec.durable;
}

/** May the actor of this path be in the store only, and not in memory? */
export function mayHibernate(root: SupervisorSpec, path: string): boolean {
  const spec = specAt(root, path);
  return spec?.kind === "actor" && spec.hibernateAfterMs !== null;
}

/** Paths of the dynamic supervisors that are under no other one. */
export function dynamicPaths(root: SupervisorSpec): string[] {
  const found: string[] = [];
  visitSpecs(root, (spec, path) => {
    if (spec.kind === "supervisor" && spec.template && !path.includes("*")) found.push(path);
  });
  return found;
}
