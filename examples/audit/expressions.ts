/**
 * Owns what can be read off a single expression: the text it is, the global it names, the property it
 * takes. It knows no scopes: whether a name means what it says is for capability.ts.
 */
import type {
  AnyNode,
  AssignmentProperty,
  Expression,
  MemberExpression,
  Property,
  Super,
} from "acorn";
import { globalObjects } from "./known-names.ts";

/** A name which leads out of the file unless the file declares `root` itself. */
export interface Global {
  readonly name: string;
  readonly root: string;
}

/** The text an expression always is: a literal, or literals put together. */
export function constantText(node: AnyNode | null | undefined): string | null {
  if (node?.type === "Literal") return typeof node.value === "string" ? node.value : null;
  if (node?.type === "TemplateLiteral") {
    const [only, ...others] = node.quasis;
    return others.length === 0 ? (only?.value.cooked ?? null) : null;
  }
  if (node?.type !== "BinaryExpression" || node.operator !== "+") return null;
  const left = constantText(node.left);
  const right = left === null ? null : constantText(node.right);
  return right === null ? null : left + right;
}

/**
 * What a load always loads: a text, `require.resolve` of one, or a bundle's own number. Null when it
 * is known only when the code runs.
 */
export function constantModule(node: AnyNode): string | null {
  if (node.type === "Literal") return String(node.value);
  if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") {
    return constantText(node);
  }
  return propertyOf(node.callee) === "resolve" ? constantText(node.arguments[0]) : null;
}

/** `x`, and `x` of `globalThis.x` or `window["x"]`. */
export function globalOf(node: AnyNode): Global | null {
  if (node.type === "Identifier") return { name: node.name, root: node.name };
  if (node.type !== "MemberExpression" || node.object.type !== "Identifier") return null;
  if (!globalObjects.has(node.object.name)) return null;
  const name = propertyOf(node);
  return name === null ? null : { name, root: node.object.name };
}

/** The name of the property which is taken; null when it is known only when the code runs. */
export function propertyOf(node: MemberExpression): string | null {
  if (node.computed) return constantText(node.property);
  return node.property.type === "Identifier" ? node.property.name : null;
}

export function keyOf(node: Property | AssignmentProperty): string | null {
  if (!node.computed && node.key.type === "Identifier") return node.key.name;
  return constantText(node.key);
}

/** What is called in `(0, eval)(…)`: the last of the sequence. */
export function lastOf(node: Expression | Super): Expression | Super {
  return (node.type === "SequenceExpression" ? node.expressions.at(-1) : null) ?? node;
}

/** `require.main`, `process.mainModule`, `module.parent`: a module object. */
export function isModuleObject(node: AnyNode): boolean {
  if (node.type === "Identifier") return node.name === "module";
  if (node.type !== "MemberExpression") return false;
  return /^(main|mainModule|parent)$/.test(propertyOf(node) ?? "");
}

/**
 * `x.constructor.constructor`, `(async () => {}).constructor`: ways to the constructor of functions
 * which do not name it.
 */
export function isFunctionConstructor(node: AnyNode): boolean {
  if (node.type !== "MemberExpression" || propertyOf(node) !== "constructor") return false;
  let from: AnyNode | undefined = node.object;
  if (from.type === "CallExpression" && from.callee.type === "MemberExpression") {
    if (propertyOf(from.callee) === "getPrototypeOf") from = from.arguments[0];
  }
  if (from?.type === "MemberExpression") return propertyOf(from) === "constructor";
  return from?.type === "FunctionExpression" || from?.type === "ArrowFunctionExpression";
}

/** `{ eval: true }`, as a worker thread is told to run text. */
export function asksForEval(node: AnyNode | undefined): boolean {
  if (node?.type !== "ObjectExpression") return false;
  return node.properties.some(
    (each) =>
      each.type === "Property" &&
      keyOf(each) === "eval" &&
      each.value.type === "Literal" &&
      each.value.value === true,
  );
}
