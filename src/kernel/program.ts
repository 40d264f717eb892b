/**
 * Owns: what all actors of one child spec on one kernel share, so that none of them carries it.
 * Does not own: anything that changes with a message, but for memories of the last one:
 * its handler, and who the supervisor is.
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { Kernel } from "./kernel.ts";
import { isChildOf, parentOf } from "./paths.ts";

type Handler = AnyBehaviour["on"][string];

/** A spec at home on a kernel. */
export class Program {
  readonly kernel: Kernel;
  readonly spec: ActorSpec;
  readonly behaviour: AnyBehaviour;
  readonly sliceMs: number;
  readonly mailboxMax: number;
  readonly maxReductions: number;
  /** Most work of one life. */
  readonly lifeReductions: number;
  private type = "";
  private handler: Handler | undefined;
  /** The message before that of another type: most actors get two or three types in turn. */
  private otherType = "";
  private otherHandler: Handler | undefined;
  private parent = "";

  constructor(kernel: Kernel, spec: ActorSpec) {
    this.kernel = kernel;
    this.spec = spec;
    this.behaviour = spec.behaviour;
    this.sliceMs = spec.sliceMs;
    this.mailboxMax = spec.mailboxMax;
    this.maxReductions = spec.maxReductions;
    this.lifeReductions = spec.quota?.reductions ?? Number.POSITIVE_INFINITY;
  }

  /** The handler of a message, if the behaviour has one. */
  handlerOf(type: string): Handler | undefined {
    if (type === this.type) return this.handler;
    return type === this.otherType ? this.otherHandler : this.find(type);
  }

  /**
   * Path of the supervisor of one of its actors: nearly always that of the last one. As the same text
   * each time it is cut out and hashed once.
   */
  parentOf(path: string): string {
    if (!isChildOf(path, this.parent)) this.parent = parentOf(path);
    return this.parent;
  }

  /** Is there a handler, and does it look as if it had ended when it returns? */
  isPrompt(type: string): boolean {
    const handler = this.handlerOf(type);
    // (Async functions, and generators, are tagged.)
    return handler !== undefined && !(Symbol.toStringTag in handler);
  }

  private find(type: string): Handler | undefined {
    const { on } = this.behaviour;
    this.otherType = this.type;
    this.otherHandler = this.handler;
    this.type = type;
    this.handler = Object.hasOwn(on, type) ? on[type] : undefined;
    return this.handler;
  }
}

/** The programs of a kernel. */
export class Programs {
  readonly #kernel: Kernel;
  readonly #known = new WeakMap<ActorSpec, Program>();
  #last: Program | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  of(spec: ActorSpec): Program {
    if (this.#last !== null && this.#last.spec === spec) return this.#last;
    let program = this.#known.get(spec);
    if (program === undefined) {
      program = new Program(this.#kernel, spec);
      this.#known.set(spec, program);
    }
    this.#last = program;
    return program;
  }
}
