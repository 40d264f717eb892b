/**
 * Owns: programs: what a simulated actor does with a message, as plain data, so that a durable actor
 * which handles a message again does the same again. Drawing them at random.
 * Does not own: running them (session.ts).
 */
import type { Faults } from "./faults.ts";

/** How a question is answered. */
export type ReplyMode = "first" | "last" | "defer" | "none" | "twice" | "crash";

export type Instruction =
  | readonly ["tell", to: string, program: Program]
  | readonly ["ask", to: string, program: Program, mode: ReplyMode, timeoutMs: number]
  | readonly ["step", name: string, how: "now" | "later" | "fails", timeoutMs: number]
  | readonly ["use"]
  | readonly ["wait"]
  | readonly ["after", ms: number, when: "delay" | "idle" | "next", program: Program, more?: Named]
  | readonly ["cancel"]
  | readonly ["watch", to: string]
  | readonly ["unwatch"]
  | readonly ["link", to: string]
  | readonly ["unlink"]
  | readonly ["start", supervisor: string, id: string | null]
  | readonly ["detached", program: Program]
  | readonly ["answer deferred"]
  /** New money for a durable actor: drawn by nobody, but told to actors that forget. */
  | readonly ["mint", to: string, amount: number, route: readonly string[], slow: boolean]
  | readonly ["poison"];

/** What only a durable actor's timer does here: it has a name, and may come again. */
export interface Named {
  readonly id: string;
  readonly repeats: boolean;
}

export type Program = readonly Instruction[];

/** Whom programs can speak to. */
export interface Targets {
  readonly actors: readonly string[];
  /** Actors that are not durable: an ask of theirs ends also without a timeout. */
  readonly ephemeral: readonly string[];
  readonly dynamics: readonly string[];
}

/** Instructions after which a handler goes on later. */
const WAITING = new Set(["ask", "step", "use", "wait", "start"]);

/** Must its handler be async? */
export const waits = (program: Program): boolean => program.some(([verb]) => WAITING.has(verb));

/** Long enough that no run sees it: such an ask must end by an answer or a death. @unit ms */
export const FOREVER_MS = 86_400_000;
const DEPTH_MAX = 2;
const LENGTH_MAX = 4;

export type Random = () => number;

export const below = (random: Random, end: number): number => Math.floor(random() * end);

export function pick<V>(random: Random, values: readonly V[]): V {
  if (values.length === 0) throw new Error("there is nothing to pick from");
  return values[below(random, values.length)] as V;
}

/** Draws by weight; a choice of weight 0 is never drawn. */
export function pickWeighted<V>(random: Random, choices: readonly (readonly [number, V])[]): V {
  let left = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, value] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error("every weight is 0");
}

/** A program of a few instructions, some with programs for others. */
export function drawProgram(random: Random, targets: Targets, faults: Faults, depth = 0): Program {
  const length = depth >= DEPTH_MAX ? below(random, 2) : 1 + below(random, LENGTH_MAX);
  const program = Array.from({ length }, () => drawInstruction(random, targets, faults, depth));
  if (faults.fires("poison message")) program.push(["poison"]);
  return program;
}

/** What an init does: nothing that fails at each start again, as a tree would go round in circles. */
export function drawInit(random: Random, actors: readonly string[]): Program {
  const to = () => pick(random, actors);
  return Array.from({ length: 1 + below(random, 3) }, () => {
    const draw = pick<() => Instruction>(random, [
      () => ["tell", to(), []],
      () => ["ask", to(), [], "last", 1_000],
      () => ["step", "first", "later", 0],
      () => drawTimer(random, []),
      () => ["watch", to()],
      () => ["wait"],
    ]);
    return draw();
  });
}

const MODES = ["first", "last", "last", "defer", "defer", "none", "twice", "crash"] as const;

function drawInstruction(
  random: Random,
  targets: Targets,
  faults: Faults,
  depth: number,
): Instruction {
  const nested = () => drawProgram(random, targets, faults, depth + 1);
  const { actors, ephemeral, dynamics } = targets;
  const patient = ephemeral.length > 0 && random() < 0.4;
  const timeout = () => (patient ? FOREVER_MS : pick(random, [5, 200, 1_000]));
  const to = () => pick(random, patient ? ephemeral : actors);
  const draw = pickWeighted<() => Instruction>(random, [
    [5, () => ["tell", to(), nested()]],
    [4, () => ["ask", to(), nested(), pick(random, MODES), timeout()]],
    [1.5, () => drawStep(random)],
    [0.5, () => ["use"]],
    [1, () => ["wait"]],
    [3, () => drawTimer(random, nested())],
    [0.7, () => ["cancel"]],
    [2, () => ["watch", to()]],
    [0.6, () => ["unwatch"]],
    [1, () => ["link", to()]],
    [0.5, () => ["unlink"]],
    [dynamics.length === 0 ? 0 : 1.5, () => drawStart(random, dynamics)],
    [faults.fires("act too late") ? 8 : 0, () => ["detached", nested()]],
    [0.7, () => ["answer deferred"]],
  ]);
  return draw();
}

function drawStep(random: Random): Instruction {
  const how = pick(random, ["now", "later", "later", "fails"] as const);
  return ["step", `s${below(random, 3)}`, how, pick(random, [0, 0, 50, 5_000])];
}

function drawTimer(random: Random, program: Program): Instruction {
  const when = pick(random, ["delay", "delay", "idle", "next"] as const);
  const ms = when === "next" ? 0 : pick(random, [0, 1, 20, 300, 2_000]);
  if (when !== "delay" || random() < 0.5) return ["after", ms, when, program];
  const repeats = ms >= 300 && random() < 0.5;
  // What comes again and again must not wait for what is answered only now and then.
  return ["after", ms, when, repeats ? [] : program, { id: `t${below(random, 2)}`, repeats }];
}

function drawStart(random: Random, dynamics: readonly string[]): Instruction {
  const id = random() < 0.6 ? null : pick(random, ["x", "y", "z"]);
  return ["start", pick(random, dynamics), id];
}
