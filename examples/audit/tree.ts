/**
 * Owns the walk over a syntax tree: one pass, no recursion, every scope's declarations found on the
 * way. It knows syntax, not what any name is good for.
 */
import type {
  AnyNode,
  AssignmentExpression,
  CatchClause,
  Class,
  Expression,
  ForInStatement,
  ForOfStatement,
  ForStatement,
  Function as FunctionNode,
  ImportDeclaration,
  ImportSpecifier,
  Pattern,
  Program,
  SwitchStatement,
  VariableDeclaration,
} from "acorn";
import { childKeys } from "./child-keys.ts";
import { type Binding, Scope } from "./scope.ts";

export interface Visitor {
  /** Only these names are worth remembering when a scope declares them. */
  isWatched(name: string): boolean;
  /** What `name` stands for once it is given this value. */
  bindingOf(name: string, value: Expression | null | undefined, scope: Scope): Binding;
  /** The same for what is imported as `imported` ("default", "*", or its name) from `source`. */
  bindingOfImport(name: string, imported: string, source: string): Binding;
  /** The same for a parameter; `all` are the names of its function's parameters. */
  bindingOfParameter(name: string, all: readonly string[]): Binding;
  /** Called for expressions, references and statements in the order of the text. */
  visit(node: AnyNode, scope: Scope): void;
}

type BlockLike = CatchClause | ForStatement | ForInStatement | ForOfStatement | SwitchStatement;

export function walkTree(program: Program, visitor: Visitor): void {
  new TreeWalk(visitor).run(program);
}

class TreeWalk {
  private readonly visitor: Visitor;
  private readonly nodes: AnyNode[] = [];
  private readonly scopes: Scope[] = [];

  constructor(visitor: Visitor) {
    this.visitor = visitor;
  }

  run(program: Program): void {
    this.push(program, new Scope(null, true));
    for (let node = this.nodes.pop(); node !== undefined; node = this.nodes.pop()) {
      const scope = this.scopes.pop() as Scope;
      const first = this.nodes.length;
      const inner = this.enter(node, scope);
      this.visitor.visit(node, inner);
      this.reverse(first);
    }
  }

  private push(node: AnyNode | null | undefined, scope: Scope): void {
    if (node === null || node === undefined) return;
    this.nodes.push(node);
    this.scopes.push(scope);
  }

  private pushAll(nodes: readonly (AnyNode | null)[], scope: Scope): void {
    for (const node of nodes) this.push(node, scope);
  }

  /** The last pushed is visited first, so what was pushed in order is turned around. */
  private reverse(first: number): void {
    for (let a = first, b = this.nodes.length - 1; a < b; a += 1, b -= 1) {
      [this.nodes[a], this.nodes[b]] = [this.nodes[b] as AnyNode, this.nodes[a] as AnyNode];
      [this.scopes[a], this.scopes[b]] = [this.scopes[b] as Scope, this.scopes[a] as Scope];
    }
  }

  /** Declares what the node declares, pushes its children, and returns the scope they are in. */
  private enter(node: AnyNode, scope: Scope): Scope {
    switch (node.type) {
      case "Program":
        this.pushAll(node.body, scope);
        return scope;
      case "BlockStatement":
      case "ClassBody":
      case "StaticBlock": {
        const inner = new Scope(scope, node.type === "StaticBlock");
        this.pushAll(node.body, inner);
        return inner;
      }
      case "MemberExpression":
        this.push(node.object, scope);
        if (node.computed) this.push(node.property, scope);
        return scope;
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
        if (node.computed) this.push(node.key, scope);
        this.push(node.value, scope);
        return scope;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.enterFunction(node, scope);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.enterClass(node, scope);
      case "VariableDeclaration":
        return this.enterVariables(node, scope);
      case "ImportDeclaration":
        return this.enterImport(node, scope);
      case "AssignmentExpression":
        return this.enterAssignment(node, scope);
      case "CatchClause":
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "SwitchStatement":
        return this.enterBlock(node, new Scope(scope, false));
      default:
        return this.enterOther(node, scope);
    }
  }

  private enterFunction(node: FunctionNode, scope: Scope): Scope {
    const inner = new Scope(scope, true);
    if (node.id) this.note(node.type === "FunctionDeclaration" ? scope : inner, node.id.name);
    for (const parameter of node.params) this.bind(parameter, inner, inner);
    const names = node.params.flatMap((each) => (each.type === "Identifier" ? [each.name] : []));
    for (const name of names) {
      if (!this.visitor.isWatched(name)) continue;
      inner.declare(name, this.visitor.bindingOfParameter(name, names));
    }
    this.push(node.body, inner);
    return inner;
  }

  private enterClass(node: Class, scope: Scope): Scope {
    const inner = node.type === "ClassDeclaration" ? scope : new Scope(scope, false);
    if (node.id) this.note(inner, node.id.name);
    this.push(node.superClass, inner);
    this.push(node.body, inner);
    return inner;
  }

  private enterVariables(node: VariableDeclaration, scope: Scope): Scope {
    const home = node.kind === "var" ? scope.home() : scope;
    for (const { id, init } of node.declarations) {
      const isName = id.type === "Identifier";
      this.bind(id, home, scope, isName ? this.visitor.bindingOf(id.name, init, scope) : "own");
      this.push(init, scope);
    }
    return scope;
  }

  private enterImport(node: ImportDeclaration, scope: Scope): Scope {
    for (const specifier of node.specifiers) {
      const { name } = specifier.local;
      let imported = specifier.type === "ImportNamespaceSpecifier" ? "*" : "default";
      if (specifier.type === "ImportSpecifier") imported = nameOf(specifier.imported);
      const source = String(node.source.value);
      this.note(scope, name, this.visitor.bindingOfImport(name, imported, source));
    }
    return scope;
  }

  private enterAssignment(node: AssignmentExpression, scope: Scope): Scope {
    if (node.left.type === "Identifier") {
      const binding = this.visitor.bindingOf(node.left.name, node.right, scope);
      if (binding !== "own") scope.rebind(node.left.name, binding);
    } else {
      this.bind(node.left, null, scope);
    }
    this.push(node.right, scope);
    return scope;
  }

  /** Statements whose own declarations are seen in their bodies only. */
  private enterBlock(node: BlockLike, inner: Scope): Scope {
    switch (node.type) {
      case "CatchClause":
        if (node.param) this.bind(node.param, inner, inner);
        break;
      case "ForStatement":
        this.pushAll([node.init ?? null, node.test ?? null, node.update ?? null], inner);
        break;
      case "SwitchStatement":
        this.push(node.discriminant, inner);
        this.pushAll(node.cases, inner);
        return inner;
      default:
        if (node.left.type === "VariableDeclaration") this.push(node.left, inner);
        else this.bind(node.left, null, inner);
        this.push(node.right, inner);
    }
    this.push(node.body, inner);
    return inner;
  }

  private enterOther(node: AnyNode, scope: Scope): Scope {
    const fields = node as unknown as Record<string, unknown>;
    // A kind of node younger than this table is searched all over.
    for (const key of childKeys[node.type] ?? Object.keys(fields)) {
      const value = fields[key];
      if (Array.isArray(value)) for (const each of value) this.pushUnknown(each, scope);
      else this.pushUnknown(value, scope);
    }
    return scope;
  }

  private pushUnknown(value: unknown, scope: Scope): void {
    if (typeof value === "object" && value !== null && "type" in value) {
      this.push(value as AnyNode, scope);
    }
  }

  private note(scope: Scope, name: string, binding: Binding = "own"): void {
    if (binding !== "own" || this.visitor.isWatched(name)) scope.declare(name, binding);
  }

  /**
   * Goes through a pattern: declares its names in `home` (null: they are assigned, not declared) and
   * pushes the expressions in it. Its depth is bounded by the parser's.
   */
  private bind(node: Pattern, home: Scope | null, scope: Scope, binding: Binding = "own"): void {
    switch (node.type) {
      case "Identifier":
        if (home !== null) this.note(home, node.name, binding);
        break;
      case "ObjectPattern":
        for (const property of node.properties) {
          if (property.type === "RestElement") this.bind(property, home, scope);
          else {
            if (property.computed) this.push(property.key, scope);
            this.bind(property.value, home, scope);
          }
        }
        break;
      case "ArrayPattern":
        for (const element of node.elements) if (element) this.bind(element, home, scope);
        break;
      case "RestElement":
        this.bind(node.argument, home, scope);
        break;
      case "AssignmentPattern":
        this.bind(node.left, home, scope);
        this.push(node.right, scope);
        break;
      default:
        this.push(node, scope);
    }
  }
}

function nameOf(imported: ImportSpecifier["imported"]): string {
  return imported.type === "Identifier" ? imported.name : String(imported.value);
}
