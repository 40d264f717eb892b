/**
 * Owns: which quotas a path stands under: its own and those of the supervisors above it.
 * Does not own: what was spent (tool/ledger.ts).
 */
import { visitSpecs } from "./app.ts";
import type { QuotaLimits } from "./quota.ts";
import type { ActorSpec, ChildSpec, SupervisorSpec } from "./spec.ts";

/** A path with limits. */
export interface Account {
  readonly path: string;
  readonly limits: QuotaLimits;
  /** What it has spent outlives the node: there is a durable actor in it. */
  readonly durable: boolean;
  /**
   * Its actors may live on several nodes, or come back on another one: where nodes share a store, so
   * do they its books. Whoever is above such an account is such a one too.
   */
  readonly spread: boolean;
}

const durables = new WeakMap<SupervisorSpec, boolean>();

function isDurable(spec: SupervisorSpec): boolean {
  const known = durables.get(spec);
  if (known !== undefined) return known;
  let found = false;
  visitSpecs(spec, (each) => {
    if (each.kind === "actor" && each.durable) found = true;
  });
  durables.set(spec, found);
  return found;
}

const spreads = new WeakMap<SupervisorSpec, boolean>();

/** Children of a dynamic supervisor are spread over nodes, the others are together on one. */
function isSpread(spec: SupervisorSpec): boolean {
  const known = spreads.get(spec);
  if (known !== undefined) return known;
  let found = isDurable(spec);
  visitSpecs(spec, (each) => {
    if (each.kind === "supervisor" && each.template) found = true;
  });
  spreads.set(spec, found);
  return found;
}

function accountOf(spec: ChildSpec, path: string): Account[] {
  const { quota: limits } = spec;
  if (limits === null) return [];
  const { durable } = spec.kind === "actor" ? spec : { durable: isDurable(spec) };
  return [{ path, limits, durable, spread: spec.kind === "actor" ? durable : isSpread(spec) }];
}

/** All accounts that a tree has by itself; those of dynamic children come with their calls. */
export function accountsIn(root: SupervisorSpec): Account[] {
  const accounts: Account[] = [];
  visitSpecs(root, (spec, path) => {
    if (!path.includes("/*")) accounts.push(...accountOf(spec, path));
  });
  return accounts;
}

/** Does a quota anywhere in a tree limit time? */
export function isTimed(root: SupervisorSpec): boolean {
  let found = false;
  visitSpecs(root, ({ quota }) => {
    if (quota?.wallMs !== undefined) found = true;
  });
  return found;
}

/** The accounts of an actor, outermost first. Its own spec need not be in the tree. */
export function accountsOf(root: SupervisorSpec, path: string, own: ActorSpec): Account[] {
  const ids = path.split("/").slice(2);
  const accounts: Account[] = [];
  let spec: ChildSpec | undefined = root;
  let at = `/${root.id}`;
  for (const id of ids) {
    if (spec?.kind !== "supervisor") break;
    accounts.push(...accountOf(spec, at));
    at = `${at}/${id}`;
    const parent: SupervisorSpec = spec;
    spec = parent.template ?? parent.children.find((each) => each.id === id);
  }
  return accounts.concat(accountOf(own, path));
}
