/**
 * Owns: policies of tool calls, and rules as data that are one: the first rule that fits counts. Pure:
 * the same call is decided alike on every thread and in every rerun.
 * Does not own: grants, which come first; asking people and keeping the record (tool/).
 */
import { checkDecision, type Decision } from "./decision.ts";
import { ActorError, shown } from "./errors.ts";
import { known } from "./expression.ts";
import { type FieldOf, Fields } from "./fields.ts";
import { type Limit, Limits } from "./limits.ts";
import { Literals } from "./literals.ts";
import { type Need, Needs } from "./needs.ts";
import type { Tier } from "./outcome.ts";

/** A granted call, before anything runs. */
export interface PolicyCall {
  /** Of the actor that calls. */
  readonly path: string;
  readonly tool: string;
  /** The least tier the tool asks for. */
  readonly tier: Tier;
  /** Checked by the tool's schema. */
  readonly input: unknown;
}

/** Decides about calls. It must be pure: no clock, no I/O, no memory. What it throws is a denial. */
export type Policy = (call: PolicyCall) => Decision;

type Plain = string | number | boolean | null;

/** What a field of the input must be. All that is named must hold; an absent field fits none of it. */
export interface Condition {
  readonly equals?: Plain;
  readonly oneOf?: readonly Plain[];
  readonly startsWith?: string;
  /**
   * One that takes exponential time on some text is refused. On a text that is too long for it to be
   * judged in about a second, the policy denies: how long that is depends on its repetitions.
   */
  readonly matches?: RegExp;
  readonly min?: number;
  readonly max?: number;
  /** Turns the whole condition around. @default false */
  readonly not?: boolean;
}

/** A rule: it fits a call if all that it names fits. */
export interface Rule {
  /** A name, or one with `*` for any part. @default any tool */
  readonly tool?: string | readonly string[];
  /** A path; `*` is one part of it, `**` any number of them. @default any actor */
  readonly path?: string | readonly string[];
  readonly tier?: Tier | readonly Tier[];
  /** By field of the input, `a.b` for a field of a field. */
  readonly input?: Readonly<Record<string, Condition>>;
  readonly decision: Decision;
}

/** A policy made by {@link rules}: it also knows whom it may ask. */
export type RulesPolicy = Policy & { readonly asks: readonly string[] };

const RULES_MAX = 100_000;
/** Pairs of tool and path whose candidates are remembered. */
const CACHE_MAX = 10_000;

interface Compiled {
  readonly number: number;
  readonly rule: Rule;
  /** What the input must have for it to fit, where that can be looked up. */
  readonly needs: readonly Need[];
  readonly limit: Limit | null;
  readonly tool: RegExp | null;
  readonly path: RegExp | null;
  readonly tiers: readonly Tier[] | null;
  readonly conditions: readonly { readonly field: number; readonly holds: Check }[];
}

const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
const all = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T];

const toolPattern = (text: string) => literal(text).replaceAll("*", ".*");
const pathPattern = (text: string) =>
  text
    .split("/")
    .map((part) => (part === "**" ? ".*" : literal(part).replaceAll("*", "[^/]*")))
    .join("/");

function patternOf(value: Rule["tool"], one: (text: string) => string, at: string): RegExp | null {
  if (value === undefined) return null;
  const words = all(value);
  if (words.length > 0 && words.every((each) => typeof each === "string" && each !== "")) {
    return new RegExp(`^(?:${words.map(one).join("|")})$`);
  }
  throw refuse(`${shown(value)} is no pattern`, at, "use a text, or a list of them");
}

const refuse = (fact: string, at: string, fix: string) =>
  new ActorError("E_POLICY", fact, { at, fix });

const CONDITION = new Set(["equals", "oneOf", "startsWith", "matches", "min", "max", "not"]);
const RULE = new Set(["tool", "path", "tier", "input", "decision"]);

function compile(rule: Rule, index: number, fields: Fields): Compiled {
  const at = `rule ${index + 1}`;
  const unknown = Object.keys(rule ?? {}).find((each) => !RULE.has(each));
  if (unknown !== undefined) throw refuse(`a rule has no "${unknown}"`, at, "see Rule");
  checkDecision(rule?.decision, at);
  const needs: Need[] = [];
  let limit: Limit | null = null;
  const conditions = Object.entries(rule.input ?? {}).map(([name, condition]) => {
    const odd = Object.keys(condition).find((each) => !CONDITION.has(each));
    if (odd !== undefined) throw refuse(`a condition has no "${odd}"`, at, "see Condition");
    const expression = condition.matches && expressionOf(condition.matches, `${at}, ${name}`);
    const field = fields.number(name);
    needs.push(...needsOf(condition, field, expression?.literal ?? ""));
    limit ??= limitOf(condition, field);
    return { field, holds: holdsOf(condition, name, expression?.longest) };
  });
  return {
    number: index,
    rule,
    needs,
    limit,
    tool: patternOf(rule.tool, toolPattern, at),
    path: patternOf(rule.path, pathPattern, at),
    tiers: rule.tier === undefined ? null : all(rule.tier),
    conditions,
  };
}

/** What a field must have for its condition to hold, where that can be looked up. */
function needsOf(condition: Condition, field: number, literal: string): Need[] {
  const { not, equals, oneOf, startsWith } = condition;
  if (not === true) return [];
  if (equals !== undefined) return [{ field, values: [equals] }];
  if (oneOf !== undefined) return [{ field, values: oneOf }];
  const texts = [literal, startsWith ?? ""].filter(Literals.fits);
  return texts.map((literal) => ({ field, literal }));
}

function limitOf({ not, min, max }: Condition, field: number): Limit | null {
  if (not === true || (min === undefined && max === undefined)) return null;
  return { field, min: min ?? -Infinity, max: max ?? Infinity };
}

type Check = (value: unknown) => boolean;

/** @throws E_POLICY for an expression that may take for ever */
function expressionOf(expression: RegExp, at: string) {
  const seen = known(expression);
  if (seen.fault === null) return seen;
  const fix = "let each round begin or end with a character that nothing else in it matches";
  throw refuse(`${expression} may take for ever: ${seen.fault}`, at, fix);
}

/** A condition as the checks it is made of, put together once. @param longest text to be matched */
function checksOf(condition: Condition, field: string, longest: number): Check[] {
  const { equals, oneOf, startsWith, matches, min, max } = condition;
  const checks: Check[] = [];
  if (equals !== undefined) checks.push((value) => value === equals);
  if (oneOf !== undefined) {
    const words = new Set<unknown>(oneOf);
    checks.push((value) => words.has(value));
  }
  if (startsWith !== undefined) {
    checks.push((value) => typeof value === "string" && value.startsWith(startsWith));
  }
  if (matches !== undefined) {
    // Without the flags that give an expression a memory.
    const pure = new RegExp(matches.source, matches.flags.replace(/[gy]/g, ""));
    checks.push((value) => {
      if (typeof value !== "string") return false;
      // Thrown, the policy denies: to skip the rule could let pass what it is there for.
      if (value.length > longest) throw new Error(`${field} is too long for ${pure}`);
      return pure.test(value);
    });
  }
  if (min !== undefined) checks.push((value) => typeof value === "number" && value >= min);
  if (max !== undefined) checks.push((value) => typeof value === "number" && value <= max);
  return checks;
}

function holdsOf(condition: Condition, field: string, longest = 0): Check {
  const checks = checksOf(condition, field, longest);
  const wanted = condition.not !== true;
  const [only] = checks;
  if (checks.length === 1 && only !== undefined) {
    return (value) => (value !== undefined && only(value)) === wanted;
  }
  return (value) => (value !== undefined && checks.every((each) => each(value))) === wanted;
}

function fits({ tiers, conditions }: Compiled, call: PolicyCall, of: FieldOf): boolean {
  if (tiers !== null && !tiers.includes(call.tier)) return false;
  // (One of a thousand rules: without what an iterator costs.)
  for (let at = 0; at < conditions.length; at++) {
    const { field, holds } = conditions[at] as Compiled["conditions"][number];
    if (!holds(of(field))) return false;
  }
  return true;
}

/** Rules of one tool and path, in order. */
interface Candidates {
  readonly plain: readonly Compiled[];
  /** Of those, by their place. */
  readonly limits: Limits;
  /** Those that need something of the input, by number. */
  readonly needing: ReadonlyMap<number, Compiled>;
}

/** Rules whose need is met, in order. */
function heldIn(needs: Needs, of: FieldOf, needing: Candidates["needing"]): Compiled[] {
  const rules = [...needs.met(of)].flatMap((number) => needing.get(number) ?? []);
  return rules.sort((a, b) => a.number - b.number);
}

/**
 * A policy of rules: the first that fits decides.
 *
 * @param otherwise when none fits. @default "allow", as the child spec has granted the tool
 * @example rules([{ tool: "pay", input: { eur: { max: 100 } }, decision: "allow" },
 *   { tool: "pay", decision: { ask: "/desk/ops" } }])
 * @throws E_POLICY for a rule that is none; E_UNITS
 */
export function rules(list: readonly Rule[], otherwise: Decision = "allow"): RulesPolicy {
  if (!Array.isArray(list) || list.length > RULES_MAX) {
    throw refuse(`no list of up to ${RULES_MAX} rules`, "rules()", "pass [{ tool, decision }, …]");
  }
  checkDecision(otherwise, "otherwise");
  const fields = new Fields();
  const compiled = list.map((rule, index) => compile(rule, index, fields));
  const needs = new Needs(compiled.map((each) => each.needs));
  const cache = new Map<string, Candidates>();
  const candidates = (tool: string, path: string) => {
    const known = cache.get(`${tool} ${path}`);
    if (known !== undefined) return known;
    const found = compiled.filter(
      (each) => (each.tool?.test(tool) ?? true) && (each.path?.test(path) ?? true),
    );
    const needing = found.filter((each) => needs.has(each.number));
    const plain = found.filter((each) => !needs.has(each.number));
    const candidates = {
      plain,
      limits: new Limits(plain.map((each) => each.limit)),
      needing: new Map(needing.map((each) => [each.number, each])),
    };
    if (cache.size >= CACHE_MAX) cache.clear();
    cache.set(`${tool} ${path}`, candidates);
    return candidates;
  };
  const decide = (call: PolicyCall): Decision => {
    const of = fields.of(call.input);
    const { plain, limits, needing } = candidates(call.tool, call.path);
    const held = needing.size === 0 ? [] : heldIn(needs, of, needing);
    // In the order of the rules: those that need nothing, and those whose need is met.
    let next = 0;
    for (let at = limits.next(of, 0); at < plain.length; at = limits.next(of, at + 1)) {
      const each = plain[at] as Compiled;
      for (; next < held.length; next++) {
        const one = held[next] as Compiled;
        if (one.number > each.number) break;
        if (fits(one, call, of)) return one.rule.decision;
      }
      if (fits(each, call, of)) return each.rule.decision;
    }
    const last = held.slice(next).find((each) => fits(each, call, of));
    return last?.rule.decision ?? otherwise;
  };
  const asks = [...list.map(({ decision }) => decision), otherwise].flatMap((decision) =>
    typeof decision === "object" && "ask" in decision ? [decision.ask] : [],
  );
  return Object.assign(decide, { asks: [...new Set(asks)] });
}
