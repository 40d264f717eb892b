/**
 * Owns what a name means in one file: the usual names of known things, the names which the file gives
 * them itself, and whether a name still means the known thing where it is used.
 */
import type { AnyNode, Expression } from "acorn";
import {
  constantText,
  type Global,
  globalOf,
  isFunctionConstructor,
  lastOf,
  propertyOf,
} from "./expressions.ts";
import { evaluators, requireNames, watchedNames } from "./known-names.ts";
import type { Binding, Scope } from "./scope.ts";

/** True if `name`, looked up from `scope`, is a global or the thing it was taken for. */
export interface Condition {
  readonly name: string;
  readonly binding: Binding | null;
  readonly scope: Scope;
}

/** To be asked when the walk is over: a name may be declared below its use. */
export function holds({ name, binding, scope }: Condition): boolean {
  // The helper of a bundler is declared in the file and is nothing but the real one.
  if (name === "__require") return true;
  const found = scope.lookup(name);
  return found === undefined ? watchedNames.has(name) : found === binding;
}

export class FileNames {
  /** Names which this file gives to known things, beside the usual ones. */
  private readonly aliases = new Map<string, Binding>();

  isWatched(name: string): boolean {
    return watchedNames.has(name) || this.aliases.has(name);
  }

  bindingOf(name: string, value: Expression | null | undefined, scope: Scope): Binding {
    return this.remember(name, value ? this.valueOf(value, scope) : "own");
  }

  bindingOfImport(name: string, imported: string, source: string): Binding {
    const module = source.replace(/^node:/, "");
    if (module === "module" && imported === "createRequire") {
      return this.remember(name, "createRequire");
    }
    const isWhole = imported === "default" || imported === "*";
    return this.remember(name, module === "process" && isWhole ? "process" : "own");
  }

  // What bundlers and AMD loaders wrap a file in hands it a `require` which is the real one.
  bindingOfParameter(name: string, all: readonly string[]): Binding {
    const wraps = all.includes("module") || all.includes("exports");
    return name === "require" && wraps ? "require" : "own";
  }

  /** What a name seems to be, before anybody has looked for a declaration. */
  roleOf({ name, root }: Global): Binding | null {
    if (requireNames.has(name)) return "require";
    if (evaluators.has(name)) return "evaluator";
    if (name === "process" || name === "createRequire") return name;
    return (name === root ? this.aliases.get(name) : null) ?? null;
  }

  ifMeant(target: Global, scope: Scope): Condition {
    const binding = target.name === target.root ? this.roleOf(target) : null;
    return { name: target.root, binding, scope };
  }

  /** Which known thing a value is; "own" for all others. */
  valueOf(value: AnyNode, scope: Scope): Binding {
    switch (value.type) {
      case "Identifier":
      case "MemberExpression": {
        const target = globalOf(value);
        const role = target === null ? null : this.roleOf(target);
        if (target !== null && role !== null && holds(this.ifMeant(target, scope))) return role;
        if (value.type === "Identifier") return "own";
        if (propertyOf(value) === "createRequire") return "createRequire";
        return isFunctionConstructor(value) ? "evaluator" : "own";
      }
      case "CallExpression": {
        const callee = lastOf(value.callee);
        // A chain of calls may be of any length, and nothing known is at its far end.
        if (callee.type === "CallExpression") return "own";
        const called = this.valueOf(callee, scope);
        if (called === "createRequire") return "require";
        const module = called === "require" ? constantText(value.arguments[0]) : null;
        return module?.replace(/^node:/, "") === "process" ? "process" : "own";
      }
      // `globalThis.process || {}`, `typeof require === "function" ? require : null`.
      case "LogicalExpression":
      case "ConditionalExpression": {
        const isChoice = value.type === "ConditionalExpression";
        const first = this.valueOf(isChoice ? value.consequent : value.left, scope);
        if (first !== "own") return first;
        return this.valueOf(isChoice ? value.alternate : value.right, scope);
      }
      default:
        return "own";
    }
  }

  private remember(name: string, binding: Binding): Binding {
    if (binding !== "own") this.aliases.set(name, binding);
    return binding;
  }
}
