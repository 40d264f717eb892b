/**
 * Owns: the text of a module → the same module that counts its own work (reductions). Pure: text
 * in, text out. It adds no line break, so lines of stack traces stay the user's; columns behind an
 * insert move. Does not own: which modules are metered, the counter itself (meter.ts). See ADR 13.
 *
 * Counted are functions that call or loop, when they begin, and iterations of loops. At the limit a
 * loop is left with `break` and what comes right after it throws: a `throw` inside of a loop costs
 * V8 half its speed, and so do calls. Code at the top of a module runs once, at its import, for no
 * actor: it is not counted.
 */
import { parse } from "acorn";
import { children, leavings, type Node, ownCounter } from "./meter-loop.ts";

/** Names the inserted code uses; the realm of a metered thread defines them (meter.ts). */
export const NAMES = {
  /** Reductions left; below 0 the hard limit is reached. */
  left: "coppice$left",
  /** Below this an async body yields. */
  floor: "coppice$floor",
  /** What is thrown at the hard limit. */
  over: "coppice$over",
  yielding: "coppice$yield",
} as const;

/** A module that begins with this directive is not metered. */
const UNMETERED = "coppice unmetered";

/** Iterations that a synchronous loop charges at once: a power of two. */
const BATCH = 128;
/**
 * What a loop that counts itself may do. An int32: compared with a float, such a loop takes a fifth
 * longer. Above 1e9 nothing is limited; then it is the largest int32.
 */
const OWN_BUDGET = `${NAMES.left}>1e9?${2 ** 31 - 1}:${NAMES.left}|0`;

const { left, floor, over, yielding } = NAMES;
const THROW = `if(${left}<0)throw ${over};`;
const BREAK = `if(${left}<0)break;`;
const ENTRY = `if(--${left}<0)throw ${over};`;
// The hard limit comes first: code that catches what is thrown must not go on by yielding.
const YIELD = `if(--${left}<${floor}){${THROW}await ${yielding}();}`;

/** Where work is counted: a function, a static block, or the top of the module, which is not. */
interface Body {
  readonly kind: "module" | "sync" | "async";
  /** Does it call or loop? Leaf functions without either are not counted. */
  works: boolean;
  /** Local variables its loops use. */
  readonly locals: Set<string>;
  /** What a `break` would leave here. */
  target: "nothing" | "loop" | "switch";
}

/** Text to insert. What depends on code further down is filled in once that has been seen. */
interface Insert {
  readonly at: number;
  text: string;
}

interface Rewriting {
  readonly inserts: Insert[];
  /** Local names the module does not use: iterations since the last charge; budget of a loop. */
  readonly count: string;
  readonly budget: string;
  /** Loop → where its outermost label begins. */
  readonly labels: Map<Node, number>;
}

/** What became of a module: its new text, or why it stays as it is. */
export type Rewritten =
  | { readonly ok: true; readonly source: string }
  | { readonly ok: false; readonly why: "unmetered" | "syntax" | "names"; readonly detail: string };

/** Makes a module count. Its source is JavaScript: types are stripped before. */
export function rewrite(source: string): Rewritten {
  let program: Node;
  try {
    const options = { ecmaVersion: "latest", sourceType: "module", preserveParens: true } as const;
    program = parse(source, options) as unknown as Node;
  } catch (error) {
    return { ok: false, why: "syntax", detail: (error as Error).message };
  }
  if (directives(program).some(({ directive }) => directive === UNMETERED)) {
    return { ok: false, why: "unmetered", detail: "it says so itself" };
  }
  const used = namesOf(program);
  const taken = Object.values(NAMES).find((name) => used.has(name));
  if (taken !== undefined) return { ok: false, why: "names", detail: `it uses the name ${taken}` };
  const [count, budget] = [unused("n$", used), unused("m$", used)];
  const rewriting: Rewriting = { inserts: [], count, budget, labels: new Map() };
  visit(program, newBody("module"), rewriting);
  return { ok: true, source: apply(source, rewriting.inserts) };
}

/** In the order of their places; at one place in the order in which they were made. */
function apply(source: string, inserts: Insert[]): string {
  inserts.sort((a, b) => a.at - b.at);
  let out = "";
  let from = 0;
  for (const { at, text } of inserts) {
    out += source.slice(from, at) + text;
    from = at;
  }
  return out + source.slice(from);
}

type Visit = (node: Node, body: Body, rewriting: Rewriting) => void;

const VISITS: Readonly<Record<string, Visit>> = {
  FunctionDeclaration: visitFunction,
  FunctionExpression: visitFunction,
  ArrowFunctionExpression: visitFunction,
  StaticBlock: visitStaticBlock,
  ForStatement: visitLoop,
  ForInStatement: visitLoop,
  ForOfStatement: visitLoop,
  WhileStatement: visitLoop,
  DoWhileStatement: visitLoop,
  LabeledStatement: visitLabel,
  SwitchStatement: (node, body, rewriting) => visitInto("switch", node, body, rewriting),
  CallExpression: visitCall,
  NewExpression: visitCall,
  TaggedTemplateExpression: visitCall,
  ImportExpression: visitCall,
};

function visit(node: Node, body: Body, rewriting: Rewriting): void {
  const special = VISITS[node.type];
  if (special) special(node, body, rewriting);
  else visitChildren(node, body, rewriting);
}

function visitChildren(node: Node, body: Body, rewriting: Rewriting): void {
  for (const child of children(node)) visit(child, body, rewriting);
}

function visitInto(target: Body["target"], node: Node, body: Body, rewriting: Rewriting): void {
  const around = body.target;
  body.target = target;
  visitChildren(node, body, rewriting);
  body.target = around;
}

function visitCall(node: Node, body: Body, rewriting: Rewriting): void {
  body.works = true;
  visitChildren(node, body, rewriting);
}

function visitFunction(node: Node, _: Body, rewriting: Rewriting): void {
  const body = newBody(node.async ? "async" : "sync");
  const block = node.body as Node;
  if (block.type === "BlockStatement") {
    const begin = insert(startOf(block), rewriting);
    visitChildren(node, body, rewriting);
    if (body.works) begin.text = declare(body) + ENTRY;
    return;
  }
  const begin = insert(block.start, rewriting);
  visitChildren(node, body, rewriting);
  if (!body.works) return;
  begin.text = `{${ENTRY}return `;
  insert(block.end, rewriting, "}");
}

/** It runs once, where its class is made; its loops are counted. */
function visitStaticBlock(node: Node, _: Body, rewriting: Rewriting): void {
  const first = (node.body as Node[])[0];
  if (!first) return;
  const body = newBody("sync");
  const begin = insert(first.start, rewriting);
  visitChildren(node, body, rewriting);
  begin.text = declare(body);
}

function visitLabel(node: Node, body: Body, rewriting: Rewriting): void {
  rewriting.labels.set(node.body as Node, rewriting.labels.get(node) ?? node.start);
  visitChildren(node, body, rewriting);
}

function visitLoop(node: Node, body: Body, rewriting: Rewriting): void {
  body.works = true;
  if (body.kind === "module") return visitChildren(node, body, rewriting);
  if (body.kind === "async") return countInside(node, YIELD, body, rewriting);
  // Around its labels, so that `continue label` still finds a loop behind its label.
  const begin = insert(rewriting.labels.get(node) ?? node.start, rewriting);
  const own = ownCounter(node);
  begin.text = own === undefined ? "{" : `{${rewriting.budget}=${OWN_BUDGET};`;
  if (own === undefined) countBatches(node, body, rewriting);
  else countOwn(node, own, body, rewriting);
  // From loop to loop by `break`, so that only the outermost throws.
  insert(node.end, rewriting, `${body.target === "loop" ? BREAK : THROW}}`);
}

/** Text at the begin of a loop's body, which need not be a block. */
function countInside(loop: Node, text: string, body: Body, rewriting: Rewriting): void {
  const inner = loop.body as Node;
  const isBlock = inner.type === "BlockStatement";
  insert(isBlock ? inner.start + 1 : inner.start, rewriting, isBlock ? text : `{${text}`);
  visitInto("loop", loop, body, rewriting);
  if (!isBlock) insert(inner.end, rewriting, "}");
}

/** Any loop: one count for all loops of a function, so that short loops inside add up too. */
function countBatches(loop: Node, body: Body, rewriting: Rewriting): void {
  const { count } = rewriting;
  body.locals.add(`${count}=0`);
  const full = `(${count}=${count}+1&${BATCH - 1})===0`;
  // Set back by one, so that the next iteration of any loop looks again: a `finally` that goes on
  // could otherwise be in step with the batches for ever.
  const leave = `{${count}=${BATCH - 1};break;}`;
  countInside(loop, `if(${full}&&(${left}-=${BATCH})<0)${leave}`, body, rewriting);
}

/** A plain loop (meter-loop.ts): its own variable against the budget, charged when it is left. */
function countOwn(loop: Node, own: string, body: Body, rewriting: Rewriting): void {
  const { budget } = rewriting;
  body.locals.add(budget);
  const settle = `${left}-=${own}`;
  const test = loop.test as Node | null;
  if (test) {
    insert(test.start, rewriting, "(");
    insert(test.end, rewriting, `)||(${settle},!1)`);
  }
  countInside(loop, `if(${own}>=${budget}){${left}=-1;break;}`, body, rewriting);
  for (const { start, end } of leavings(loop.body as Node)) {
    insert(start, rewriting, `{${settle}+1;`);
    insert(end, rewriting, "}");
  }
}

const newBody = (kind: Body["kind"]): Body => {
  return { kind, works: false, locals: new Set(), target: "nothing" };
};

const declare = ({ locals }: Body) => (locals.size > 0 ? `let ${[...locals].join()};` : "");

function insert(at: number, { inserts }: Rewriting, text = ""): Insert {
  const made = { at, text };
  inserts.push(made);
  return made;
}

/** Where the code of a function begins: after its directives. */
function startOf(block: Node): number {
  const first = (block.body as Node[])[directives(block).length];
  return first ? first.start : block.end - 1;
}

function directives(block: Node): Node[] {
  const statements = block.body as Node[];
  const end = statements.findIndex(({ directive }) => typeof directive !== "string");
  return end < 0 ? statements : statements.slice(0, end);
}

function unused(name: string, used: ReadonlySet<string>): string {
  return used.has(name) ? unused(`${name}$`, used) : name;
}

function namesOf(program: Node): Set<string> {
  const names = new Set<string>();
  const look = (node: Node) => {
    if (node.type === "Identifier") names.add(node.name as string);
    for (const child of children(node)) look(child);
  };
  look(program);
  return names;
}
