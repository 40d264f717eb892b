/**
 * Owns: which `for` loops count themselves, and where such a loop can be left: facts about syntax.
 * Does not own: what is inserted there (meter-rewrite.ts).
 */
import type { Node as AnyNode } from "acorn";

/** Any node of a syntax tree: a walk looks at types and keys, not at acorn's classes. */
export type Node = AnyNode & Record<string, unknown>;

/** Its nodes, in no order that matters. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) found.push(item);
    } else if (isNode(value)) found.push(value);
  }
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof (value as Node | null | undefined)?.type === "string";
}

/**
 * The variable of `for (let i = 0; …; i++)`, if it tells how many times the loop has run: nothing
 * else writes it, and the body is plain. Such a loop needs no other counter and, as long as it
 * runs, no access to the thread's: the tight loops of numeric code are of this kind.
 */
export function ownCounter(loop: Node): string | undefined {
  if (loop.type !== "ForStatement") return undefined;
  const [init, update] = [loop.init as Node | null, loop.update as Node | null];
  if (init?.type !== "VariableDeclaration" || init.kind !== "let") return undefined;
  if (update?.type !== "UpdateExpression" || update.operator !== "++") return undefined;
  const { type, name } = update.argument as Node;
  if (type !== "Identifier") return undefined;
  const variables = init.declarations as Node[];
  const own = variables.find(({ id }) => (id as Node).name === name);
  if (!own || !isZeroOrOne(own.init as Node | null)) return undefined;
  const others = variables.filter((variable) => variable !== own);
  const parts = [loop.test as Node | null, loop.body as Node, ...others];
  const fits = parts.every((part) => !part || (isPlain(part) && !writes(part, name as string)));
  return fits ? (name as string) : undefined;
}

/** A constant, so a number for sure (no BigInt, no text), and one that `++` really raises. */
function isZeroOrOne(from: Node | null): boolean {
  return from?.type === "Literal" && (from.value === 0 || from.value === 1);
}

/**
 * What a plain body does not contain. Calls and loops: they use the thread's counter, which would
 * be behind meanwhile. Functions: they keep the variable alive. `yield`: others run meanwhile.
 * `try` and inner targets of jumps: then leaving the loop could not be told from staying.
 */
const NOT_PLAIN = new Set([
  ..."CallExpression NewExpression TaggedTemplateExpression ImportExpression".split(" "),
  ..."ForStatement ForInStatement ForOfStatement WhileStatement DoWhileStatement".split(" "),
  ..."FunctionDeclaration FunctionExpression ArrowFunctionExpression".split(" "),
  ..."ClassDeclaration ClassExpression YieldExpression AwaitExpression".split(" "),
  ..."TryStatement ThrowStatement SwitchStatement LabeledStatement".split(" "),
]);

function isPlain(node: Node): boolean {
  if (NOT_PLAIN.has(node.type)) return false;
  if (/^(Break|Continue)Statement$/.test(node.type) && node.label) return false;
  return children(node).every(isPlain);
}

/** Does plain code assign or redeclare the name? Scopes are not looked at: in doubt it does. */
function writes(node: Node, name: string): boolean {
  if (node.type === "AssignmentExpression" && targets(node.left as Node, name)) return true;
  if (node.type === "UpdateExpression" && targets(node.argument as Node, name)) return true;
  if (node.type === "VariableDeclarator" && targets(node.id as Node, name)) return true;
  return children(node).some((child) => writes(child, name));
}

/** Is the name among what this pattern writes? `a[i] = …` writes no i. */
function targets(pattern: Node, name: string): boolean {
  if (pattern.type === "Identifier") return pattern.name === name;
  if (pattern.type === "MemberExpression") return false;
  return children(pattern).some((child) => targets(child, name));
}

/** Statements of a plain body that leave its loop. */
export function leavings(node: Node): Node[] {
  const leaves = node.type === "BreakStatement" || node.type === "ReturnStatement";
  return leaves ? [node] : children(node).flatMap(leavings);
}
