/**
 * Owns which uses of a program count as which capability: the rules, applied to a syntax tree. It
 * reads code only; files, counts and risk are elsewhere.
 */
import type {
  AnyNode,
  CallExpression,
  ImportDeclaration,
  MemberExpression,
  NewExpression,
  Program,
  VariableDeclaration,
} from "acorn";
import {
  asksForEval,
  constantModule,
  constantText,
  type Global,
  globalOf,
  isFunctionConstructor,
  isModuleObject,
  keyOf,
  lastOf,
  propertyOf,
} from "./expressions.ts";
import { builtinModule, networkGlobals, processCalls, timers } from "./known-names.ts";
import { limits } from "./limits.ts";
import { type Condition, FileNames, holds } from "./meaning.ts";
import type { CapabilityName } from "./model.ts";
import type { Scope } from "./scope.ts";
import { type Visitor, walkTree } from "./tree.ts";

export interface Finding {
  readonly capability: CapabilityName;
  /** Offset in the text. */
  readonly at: number;
  readonly what: string;
}

type Candidate = Finding & { readonly condition: Condition | null };

/** Every use in the order of the text. */
export function findCapabilities(program: Program, text: string): Finding[] {
  const detector = new Detector(text);
  walkTree(program, detector);
  return detector.findings();
}

class Detector extends FileNames implements Visitor {
  private readonly text: string;
  private readonly candidates: Candidate[] = [];
  /** References whose parent has said all there is to say about them. */
  private readonly settled = new Set<AnyNode>();
  /** Each `process.env` whose variable has been told. */
  private readonly named = new Set<AnyNode>();

  constructor(text: string) {
    super();
    this.text = text;
  }

  findings(): Finding[] {
    // A name may be declared below its use, so its meaning is known only when the walk is over.
    return this.candidates
      .filter(({ condition }) => condition === null || holds(condition))
      .map(({ capability, at, what }) => ({ capability, at, what }))
      .sort((a, b) => a.at - b.at);
  }

  visit(node: AnyNode, scope: Scope): void {
    switch (node.type) {
      case "ImportDeclaration":
        this.visitImport(node);
        break;
      case "ExportAllDeclaration":
      case "ExportNamedDeclaration":
        if (node.source) this.addModule(node, "export", String(node.source.value));
        break;
      case "ImportExpression":
        this.visitLoad(node, node.source, null);
        break;
      case "CallExpression":
      case "NewExpression":
        this.visitCall(node, scope);
        break;
      case "MemberExpression":
        this.visitMember(node, scope);
        break;
      case "VariableDeclaration":
        this.visitVariables(node, scope);
        break;
      case "AssignmentExpression":
        this.settle(node.left);
        break;
      // `typeof fetch`, `fetch && …` and `x instanceof WebSocket` ask, they do not use.
      case "UnaryExpression":
        if (node.operator === "typeof") this.settle(node.argument);
        break;
      case "LogicalExpression":
        if (node.operator === "&&") this.settle(node.left);
        break;
      case "BinaryExpression":
        this.settle(node.left);
        this.settle(node.right);
        break;
      case "Identifier":
        this.visitReference(node, { name: node.name, root: node.name }, scope);
        break;
    }
  }

  private visitImport(node: ImportDeclaration): void {
    const source = String(node.source.value);
    this.addModule(node, "import", source);
    if (source.replace(/^node:/, "") !== "process") return;
    for (const specifier of node.specifiers) {
      if (specifier.type !== "ImportSpecifier") continue;
      const { imported } = specifier;
      const name = imported.type === "Identifier" ? imported.name : imported.value;
      if (name === "env") this.add("environment", node, null, `import { env } from "${source}"`);
    }
  }

  private visitCall(node: CallExpression | NewExpression, scope: Scope): void {
    const callee = lastOf(node.callee);
    const [first, second] = node.arguments;
    const target = globalOf(callee);
    if (target !== null) {
      const role = this.roleOf(target);
      const condition = this.ifMeant(target, scope);
      if (role === "require") {
        this.settle(callee);
        this.visitLoad(node, first, condition);
        return;
      }
      const isTimer = timers.has(target.name) && constantText(first) !== null;
      if (role === "evaluator" || isTimer) {
        this.settle(callee);
        this.add("dynamicCode", node, condition);
      } else if (networkGlobals.has(target.name)) {
        this.settle(callee);
        this.add("network", node, condition);
      }
    }
    if (callee.type === "MemberExpression") this.visitMethod(node, callee, scope);
    // createRequire(…)("fs")
    const isRequire = callee.type === "CallExpression" && this.valueOf(callee, scope) === "require";
    if (isRequire) this.visitLoad(node, first, null);
    const name = callee.type === "MemberExpression" ? propertyOf(callee) : target?.name;
    if (name === "Worker" && asksForEval(second)) this.add("dynamicCode", node, null);
  }

  private visitMethod(
    node: CallExpression | NewExpression,
    callee: MemberExpression,
    scope: Scope,
  ): void {
    const method = propertyOf(callee) ?? "";
    const first = node.arguments[0];
    if (method === "require") {
      const loads = builtinModule(constantText(first) ?? "") !== null;
      if (loads || isModuleObject(callee.object)) this.visitLoad(node, first, null);
    } else if (runsText(method, node.arguments.length)) {
      this.add("dynamicCode", node, null);
    } else if (isFunctionConstructor(callee)) {
      this.add("dynamicCode", node, null);
    }
    const target = globalOf(callee.object);
    if (target !== null && this.roleOf(target) === "evaluator" && /^(apply|call)$/.test(method)) {
      this.settle(callee.object);
      this.add("dynamicCode", node, this.ifMeant(target, scope));
    }
    const owner = this.processIn(callee.object);
    if (owner === null) return;
    const condition = this.ifMeant(owner, scope);
    if (method === "getBuiltinModule") this.visitLoad(node, first, condition);
    const capability = processCalls.get(method);
    if (capability !== undefined) this.add(capability, node, condition);
  }

  private visitMember(node: MemberExpression, scope: Scope): void {
    const { object } = node;
    const property = propertyOf(node);
    const owner = globalOf(object);
    if (owner !== null) {
      const role = this.roleOf(owner);
      const condition = this.ifMeant(owner, scope);
      if (role === "process" && property === "env" && !this.named.has(node)) {
        this.add("environment", node, condition);
      } else if (role === "require") {
        this.settle(object); // require.resolve, .cache and the like load nothing.
        if (/^(apply|bind|call)$/.test(property ?? "")) {
          this.add("dynamicRequire", node, condition);
        }
      } else if (owner.name === "navigator" && property === "sendBeacon") {
        this.add("network", node, condition);
      }
    }
    if (object.type === "MemberExpression" && propertyOf(object) === "env") {
      const process = this.processIn(object.object);
      if (process !== null) {
        this.named.add(object);
        this.add("environment", node, this.ifMeant(process, scope));
      }
    }
    const itself = globalOf(node);
    if (itself !== null) this.visitReference(node, itself, scope);
  }

  private visitVariables(node: VariableDeclaration, scope: Scope): void {
    for (const { id, init } of node.declarations) {
      if (id.type !== "ObjectPattern" || !init || this.valueOf(init, scope) !== "process") continue;
      const env = id.properties.find((each) => each.type === "Property" && keyOf(each) === "env");
      if (env !== undefined) this.add("environment", env, null, "{ env } = process");
    }
  }

  /** A name which is neither called nor asked about: whoever gets it may do anything with it. */
  private visitReference(node: AnyNode, target: Global, scope: Scope): void {
    if (!this.isWatched(target.name) || this.settled.has(node)) return;
    const condition = this.ifMeant(target, scope);
    if (networkGlobals.has(target.name)) this.add("network", node, condition);
    else if (target.name === "eval") this.add("dynamicCode", node, condition);
    else if (this.roleOf(target) === "require") {
      const usual = target.name.includes("require");
      const what = usual ? target.name : `${target.name}, which is require,`;
      this.add("dynamicRequire", node, condition, `${what} as a value`);
    }
  }

  private visitLoad(node: AnyNode, source: AnyNode | undefined, condition: Condition | null): void {
    if (source === undefined) return;
    const module = constantModule(source);
    const capability = module === null ? "dynamicRequire" : builtinModule(module);
    if (capability !== null) this.add(capability, node, condition);
  }

  private addModule(node: AnyNode, keyword: string, source: string): void {
    const capability = builtinModule(source);
    if (capability !== null) this.add(capability, node, null, `${keyword} "${source}"`);
  }

  /** Without `what` the code speaks for itself. */
  private add(
    capability: CapabilityName,
    node: AnyNode,
    condition: Condition | null,
    what?: string,
  ): void {
    // More than is shown, for the white space in it; never all of a file.
    const from = this.text.slice(node.start, Math.min(node.end, node.start + 4 * limits.what));
    const code = what ?? from.trim().replace(/\s+/g, " ");
    this.candidates.push({
      capability,
      at: node.start,
      what: code.length > limits.what ? `${code.slice(0, limits.what).toWellFormed()}…` : code,
      condition,
    });
  }

  private settle(node: AnyNode): void {
    if (node.type === "Identifier" ? this.isWatched(node.name) : node.type === "MemberExpression") {
      this.settled.add(node);
    }
  }

  private processIn(node: AnyNode): Global | null {
    const target = globalOf(node);
    return target !== null && this.roleOf(target) === "process" ? target : null;
  }
}

/** Methods of node:vm; lodash has a `runInContext()` of its own, without arguments. */
function runsText(method: string, args: number): boolean {
  if (method === "runInContext") return args > 0;
  return /^(runIn(This|New)Context|compileFunction)$/.test(method);
}
