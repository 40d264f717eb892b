/**
 * Owns how the text of a file becomes a syntax tree: as a script or a module, up to a depth which is
 * the same on every run, with a refusal in one line. What the tree means is for capability.ts.
 */
import { type Options, Parser, type Program } from "acorn";
import { limits } from "./limits.ts";

export type Parsed =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly what: string };

/** The parts of acorn's parser which are bounded here; acorn does not type them. */
interface Internals {
  readonly start: number;
  raise(position: number, message: string): never;
  parseStatement(context: unknown, topLevel: unknown, exports: unknown): unknown;
  parseMaybeAssign(forInit: unknown, errors: unknown, after: unknown): unknown;
  parseMaybeUnary(errors: unknown, sawUnary: unknown, incDec: unknown, forInit: unknown): unknown;
  parseExprOp(left: unknown, at: unknown, loc: unknown, min: unknown, forInit: unknown): unknown;
  parseExprSubscripts(errors: unknown, forInit: unknown): unknown;
  parseNew(): unknown;
  parseBindingAtom(): unknown;
  declareName(name: string, bindingType: number, position: number): void;
  checkLocalExport(id: unknown): void;
}

/**
 * acorn recurses, so it gives up where the stack ends: a place which moves with the thread, the
 * caller and the compiler's mood. This counts instead what each rule takes of the stack at most,
 * measured in ten thousandths of Node's default stack with cold code, and gives up well before.
 */
function withBounds(base: typeof Parser): typeof Parser {
  const Base = base as unknown as new (...args: unknown[]) => Internals;
  class Bounded extends Base {
    private depth = 0;

    private enter(units: number): void {
      this.depth += units;
      if (this.depth > limits.nesting) this.raise(this.start, "Nested too deeply");
    }
    override parseStatement(context: unknown, topLevel: unknown, exports: unknown): unknown {
      this.enter(11);
      const node = super.parseStatement(context, topLevel, exports);
      this.depth -= 11;
      return node;
    }
    override parseMaybeAssign(forInit: unknown, errors: unknown, after: unknown): unknown {
      this.enter(5);
      const node = super.parseMaybeAssign(forInit, errors, after);
      this.depth -= 5;
      return node;
    }
    override parseMaybeUnary(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
      this.enter(6);
      const node = super.parseMaybeUnary(a, b, c, d);
      this.depth -= 6;
      return node;
    }
    override parseExprOp(a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown {
      this.enter(3);
      const node = super.parseExprOp(a, b, c, d, e);
      this.depth -= 3;
      return node;
    }
    override parseExprSubscripts(errors: unknown, forInit: unknown): unknown {
      this.enter(15);
      const node = super.parseExprSubscripts(errors, forInit);
      this.depth -= 15;
      return node;
    }
    override parseNew(): unknown {
      this.enter(6);
      const node = super.parseNew();
      this.depth -= 6;
      return node;
    }
    override parseBindingAtom(): unknown {
      this.enter(10);
      const node = super.parseBindingAtom();
      this.depth -= 10;
      return node;
    }

    // That nothing is declared twice, acorn checks in a time which grows with the square of the
    // names: minutes for a file under the limit. Whether code runs is not asked here.
    override declareName(): void {}
    override checkLocalExport(): void {}
  }
  return Bounded as unknown as typeof Parser;
}

const BoundedParser = Parser.extend(withBounds);

type SourceType = "script" | "module";

/** The program in `text`; `file` decides by its ending what is tried first. */
export function parseCode(text: string, file: string): Parsed {
  const first = likelyType(text, file);
  const once = attempt(text, first);
  if ("program" in once) return { ok: true, program: once.program };
  const twice = attempt(text, first === "script" ? "module" : "script");
  if ("program" in twice) return { ok: true, program: twice.program };
  // The attempt which came further says more about the file.
  const error = twice.position > once.position ? twice : once;
  const line = lineAt(text, error.position);
  const message = error.message.replace(/ \(\d+:\d+\)$/, "");
  return { ok: false, what: `not parsed: line ${line}: ${message}` };
}

// A guess is enough: both are tried, and a program which is valid as both reads the same as either.
function likelyType(text: string, file: string): SourceType {
  if (file.endsWith(".mjs")) return "module";
  if (file.endsWith(".cjs")) return "script";
  return /^[ \t]*(?:import|export)\b/m.test(text) ? "module" : "script";
}

function attempt(
  text: string,
  sourceType: SourceType,
): { program: Program } | { position: number; message: string } {
  const options: Options = {
    ecmaVersion: "latest",
    sourceType,
    allowHashBang: true,
    allowReturnOutsideFunction: true,
  };
  try {
    return { program: BoundedParser.parse(text, options) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) return { position: 0, message: "Nested too deeply" };
    const { pos, message } = error as SyntaxError & { pos?: number };
    return { position: pos ?? 0, message };
  }
}

function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) {
    line += 1;
  }
  return line;
}
