/**
 * Owns: crashes in the middle of messages: the actors of a tree whose handlers may die before they
 * begin, at their first wait, or when all is done but the commit.
 * Does not own: when that happens and the kill itself (simulate.ts).
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import type { AnyContext } from "../actor/context.ts";
import type { ChildSpec, SupervisorSpec } from "../actor/spec.ts";

/** Where in its message an actor dies; null = it does not. */
export type Strike = "before" | "after" | null;

type Handler = (state: unknown, message: unknown, ctx: AnyContext) => unknown;

/** What a dying handler returns: its actor is parked, and the kill that is under way finds it. */
const never = () => new Promise<undefined>(() => {});

function dying(handler: Handler, strike: (path: string) => Strike): Handler {
  return (state, message, ctx) => {
    const when = strike(ctx.self.path);
    if (when === "before") return never();
    const result = handler(state, message, ctx);
    if (when === null) return result;
    // Nobody will ever look at how the rest of it ends.
    Promise.resolve(result).catch(() => {});
    return never();
  };
}

/** The same tree with mortal handlers. `strike` is asked once for each message. */
export function sabotaged(root: SupervisorSpec, strike: (path: string) => Strike): SupervisorSpec {
  const made = new Map<AnyBehaviour, AnyBehaviour>();
  const mortal = (behaviour: AnyBehaviour): AnyBehaviour => {
    const known = made.get(behaviour);
    if (known !== undefined) return known;
    const handlers = Object.entries(behaviour.on as Record<string, Handler>);
    const on = Object.fromEntries(
      handlers.map(([type, handler]) => [type, dying(handler, strike)]),
    );
    const wrapped = Object.freeze({ ...behaviour, on });
    made.set(behaviour, wrapped);
    return wrapped;
  };
  const each = (spec: ChildSpec): ChildSpec =>
    spec.kind === "actor" ? { ...spec, behaviour: mortal(spec.behaviour) } : tree(spec);
  const tree = (spec: SupervisorSpec): SupervisorSpec => ({
    ...spec,
    children: spec.children.map(each),
    template: spec.template && each(spec.template),
  });
  return tree(root);
}
