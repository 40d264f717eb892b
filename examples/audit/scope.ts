/**
 * Owns which names a part of a program declares, and what a declared name stands for. Finding the
 * declarations is the work of tree.ts.
 */

/** What a declared name stands for: something of the file's own, or a known thing by this name. */
export type Binding = "own" | "require" | "createRequire" | "process" | "evaluator";

export class Scope {
  readonly parent: Scope | null;
  readonly isFunction: boolean;
  private names: Map<string, Binding> | null = null;

  constructor(parent: Scope | null, isFunction: boolean) {
    this.parent = parent;
    this.isFunction = isFunction;
  }

  declare(name: string, binding: Binding): void {
    this.names ??= new Map();
    // `var require = createRequire(…)` stays that when a second `var require` follows.
    if (binding !== "own" || !this.names.has(name)) this.names.set(name, binding);
  }

  /** Undefined for a name which nothing around here declares: a global. */
  lookup(name: string): Binding | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      const binding = scope.names?.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  /** `let load; load = createRequire(…)`: the declaration is further up. */
  rebind(name: string, binding: Binding): void {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (!scope.names?.has(name)) continue;
      scope.declare(name, binding);
      return;
    }
    // It was declared before anybody knew that its name would matter; this is where it is sure to
    // be seen.
    this.home().declare(name, binding);
  }

  /** Where a `var` of this scope is declared. */
  home(): Scope {
    let scope: Scope = this;
    while (!scope.isFunction && scope.parent !== null) scope = scope.parent;
    return scope;
  }
}
