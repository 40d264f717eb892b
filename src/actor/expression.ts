/**
 * Owns: what can be known of a regular expression before it is used: a text that every match
 * contains, and how long it may take. Expressions judge what a model has written, so one that takes
 * exponential time is refused, and one that takes a power of the length is bounded by it.
 * Does not own: rules (policy.ts), finding texts (literals.ts).
 *
 * Read is less than the whole grammar: what is not understood counts as the worst it could be.
 */

/** What is known of an expression. */
export interface Known {
  /** Every match contains it; "" = nothing is known. */
  readonly literal: string;
  /** Longest text it may be tried on. @unit characters */
  readonly longest: number;
  /** Why it must not be used at all; null: it may be. */
  readonly fault: string | null;
}

/** A thing that is repeated, or not. */
interface Atom {
  /** "char": matches that character alone; "set": one of several; "none": no width. */
  readonly kind: "char" | "set" | "group" | "none" | "back";
  readonly source: string;
  readonly char: string;
  readonly inside: readonly (readonly Piece[])[];
  /** How often. */
  readonly min: number;
  readonly max: number;
}
type Piece = Atom;

/** Repetitions up to this many are taken for a few. */
const FEW = 16;
/** More make it useless: it could judge short texts only. */
const POWER_MAX = 6;
/** About a second of work. @unit steps */
const STEPS_MAX = 3e8;

const QUANTIFIER = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/;
const ESCAPE =
  /^\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<[^>]*>|\d+|.)/s;
const GROUP = /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?/;

class Reader {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Alternatives up to the end, or to the bracket that closes them. */
  alternatives(): Piece[][] {
    const all: Piece[][] = [[]];
    while (this.at < this.#text.length && this.#text[this.at] !== ")") {
      if (this.#text[this.at] === "|") {
        this.at++;
        all.push([]);
      } else {
        all.at(-1)?.push(this.#piece());
      }
    }
    return all;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.#text.slice(this.at));
    if (found !== null) this.at += found[0].length;
    return found;
  }

  #piece(): Piece {
    const begin = this.at;
    const atom = this.#atom();
    const source = this.#text.slice(begin, this.at);
    const found = this.#take(QUANTIFIER);
    const [, sign, low, range, high] = found ?? [];
    const min = found === null ? 1 : sign === undefined ? Number(low) : sign === "+" ? 1 : 0;
    const endless = sign === "*" || sign === "+" || (range !== undefined && high === "");
    const counted = sign === "?" ? 1 : Number(high || low || 1);
    return {
      ...atom,
      source,
      min,
      max: endless ? Number.POSITIVE_INFINITY : Math.max(counted, min),
    };
  }

  #atom(): Pick<Piece, "kind" | "char" | "inside"> {
    const plain = { char: "", inside: [] };
    const first = this.#text[this.at] as string;
    if (first === "(") {
      const opening = this.#take(GROUP)?.[0] ?? "(";
      const inside = this.alternatives();
      this.at++;
      return { kind: /[=!]$/.test(opening) ? "none" : "group", char: "", inside };
    }
    if (first === "[") {
      while (this.at < this.#text.length && this.#text[++this.at] !== "]") {
        if (this.#text[this.at] === "\\") this.at++;
      }
      this.at++;
      return { ...plain, kind: "set" };
    }
    if (first === "\\") return { ...plain, ...escapeOf(this.#take(ESCAPE)?.[0] ?? "\\") };
    this.at++;
    if (first === "^" || first === "$") return { ...plain, kind: "none" };
    return first === "." ? { ...plain, kind: "set" } : { ...plain, kind: "char", char: first };
  }
}

function escapeOf(source: string): { kind: Piece["kind"]; char: string } {
  const rest = source.slice(1);
  if (/^[bB]$/.test(rest)) return { kind: "none", char: "" };
  if (/^(\d|k<)/.test(rest)) return { kind: "back", char: "" };
  // A letter stands for something else; a sign for itself.
  return /^[A-Za-z]/.test(rest) ? { kind: "set", char: "" } : { kind: "char", char: rest };
}

const isEndless = ({ max }: Piece) => max > FEW;

/** May an atom match this character? What cannot be tried might. */
function matches({ kind, source }: Piece, char: string, flags: string): boolean {
  if (kind !== "char" && kind !== "set") return true;
  try {
    return new RegExp(`^(?:${source})$`, flags).test(char);
  } catch {
    return true;
  }
}

/** Characters of which one must come, and that end what is repeated before or inside. */
const marks = (pieces: readonly Piece[]) =>
  pieces.filter((each) => each.kind === "char" && each.min === 1 && each.max === 1);

/** Repeated without an end: can a text be divided among its rounds in more than one way? */
function isAmbiguous({ inside }: Piece, flags: string): boolean {
  if (inside.length > 1) {
    const firsts = inside.map(([first]) => (first?.kind === "char" ? first.char : ""));
    const plain = inside.every((each) =>
      each.every((piece) => piece.kind === "char" && piece.min === 1 && piece.max === 1),
    );
    return !plain || firsts.includes("") || new Set(firsts).size < firsts.length || /i/.test(flags);
  }
  const [pieces = []] = inside;
  const loose = pieces.filter((each) => each.max !== each.min || each.kind === "back");
  if (loose.some((each) => each.kind === "group" || each.kind === "back")) return true;
  if (pieces.some((each) => each.kind === "group" && each.inside.length > 1)) return true;
  if (
    pieces.some(
      (each) => each.kind === "group" && each.inside.flat().some((one) => one.max !== one.min),
    )
  )
    return true;
  // A mark at either end that nothing loose inside can match tells where a round ends.
  const ends = marks([pieces[0], pieces.at(-1)].filter((each) => each !== undefined));
  return (
    loose.length > 0 && !ends.some(({ char }) => loose.every((one) => !matches(one, char, flags)))
  );
}

/** How many repetitions there are whose ends are not told by what must follow. @param outer rounds */
function looseEnds(
  pieces: readonly Piece[],
  flags: string,
  outer: number,
  inside: boolean,
): number {
  let loose = 0;
  for (const [index, piece] of pieces.entries()) {
    const next = pieces[index + 1];
    const told =
      next === undefined
        ? !inside
        : next.kind === "char" && next.min > 0 && !matches(piece, next.char, flags);
    if (isEndless(piece) && !(told && piece.kind !== "group")) loose += outer;
    const rounds = outer * (isEndless(piece) ? 1 : Math.max(piece.max, 1));
    for (const each of piece.inside) loose += looseEnds(each, flags, rounds, true);
  }
  return loose;
}

/** @param outer rounds of what is around */
function ambiguous(pieces: readonly Piece[], flags: string, outer: number): Piece | null {
  for (const piece of pieces) {
    const rounds = outer * Math.max(piece.max, 1);
    if (piece.kind === "group" && rounds > FEW && isAmbiguous(piece, flags)) return piece;
    for (const each of piece.inside) {
      const found = ambiguous(each, flags, rounds);
      if (found !== null) return found;
    }
  }
  return null;
}

/** The longest text that stands as it is in each match. */
function literalOf(alternatives: readonly (readonly Piece[])[], flags: string): string {
  const [pieces = []] = alternatives;
  // Without regard to case many texts are the same one.
  if (alternatives.length !== 1 || flags.includes("i")) return "";
  let [run, best] = ["", ""];
  for (const { kind, char, min, max } of pieces) {
    const stays = kind === "char" && min >= 1;
    run = stays ? run + char : "";
    if (run.length > best.length) best = run;
    if (max !== 1) run = "";
  }
  return best;
}

/** Looks at an expression. */
export function known({ source, flags }: RegExp): Known {
  const alternatives = new Reader(source).alternatives();
  const all = alternatives.flat();
  const bad = ambiguous(all, flags, 1);
  const anchored = alternatives.every(([first]) => first?.source === "^") && !flags.includes("m");
  const ends = Math.max(...alternatives.map((each) => looseEnds(each, flags, 1, false)));
  const power = ends + (anchored ? 0 : 1);
  const longest = power < 2 ? 1e6 : Math.floor(power * STEPS_MAX ** (1 / power));
  const fault =
    bad !== null
      ? `${bad.source} is repeated, and can be divided in more than one way`
      : power > POWER_MAX
        ? `it has ${ends} repetitions whose ends nothing tells`
        : null;
  return { literal: literalOf(alternatives, flags), longest, fault };
}
