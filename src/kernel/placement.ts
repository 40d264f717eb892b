/**
 * Owns: which thread runs what: pure. Thread 0 is the control thread (supervisors), 1…N run actors,
 * those after N belong to subtrees with a thread of their own. A path and the app's tree decide, so
 * every thread finds every actor without asking.
 * Does not own: starting threads (the host's).
 */
import type { ChildSpec, SupervisorSpec } from "../actor/spec.ts";
import { isChildOf, parentOf } from "./paths.ts";

export const CONTROL = 0;

/** Paths whose thread is remembered at a time. */
const REMEMBERED = 10_000;
/** "~" */
const OUTSIDE = 126;

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  // The low bits of FNV-1a are weak for short, similar paths: mix them.
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}

/** A subtree with a thread of its own. */
export interface OwnThread {
  readonly path: string;
  readonly thread: number;
  /** Limit of its heap, null = Node's. @unit bytes */
  readonly heapBytes: number | null;
}

/** What the tree says of a path: what lives there, and with whom it shares a thread. */
interface Found {
  readonly spec: ChildSpec;
  /** Path that stands for the group; null = on its own. */
  readonly group: string | null;
  /** All children of its supervisor are in this group. */
  readonly together: boolean;
}

/** The threads of an app. */
export class Places {
  readonly #root: SupervisorSpec | null;
  readonly #threads: number;
  readonly #plain: boolean;
  readonly #own = new Map<string, OwnThread>();
  readonly #known = new Map<string, number>();
  #last = "";
  #lastThread = CONTROL;
  /** The dynamic supervisor of the last child that was found to be with all the others, and where. */
  #family = "";
  #familyThread = CONTROL;

  /** @param threads scheduler threads; 0 = everything is on the control thread */
  constructor(root: SupervisorSpec | null, threads: number) {
    this.#root = root;
    this.#threads = threads;
    this.#plain = threads === 0 || root === null || !this.#survey(root, `/${root.id}`);
  }

  /** Number of subtrees with a thread of their own. */
  get owned(): number {
    return this.#own.size;
  }

  /** Limit of a thread's heap, null = Node's. @unit bytes */
  heapOf(thread: number): number | null {
    for (const each of this.#own.values()) if (each.thread === thread) return each.heapBytes;
    return null;
  }

  /**
   * Thread of a path, or of "~N" (somebody outside, attached to thread N).
   *
   * @param supervisor is it one, if the tree does not say?
   */
  threadOf(path: string, supervisor = false): number {
    if (path.charCodeAt(0) === OUTSIDE) return Number(path.slice(1));
    if (this.#threads === 0) return CONTROL;
    if (this.#plain) return supervisor ? CONTROL : this.#again(path);
    if (this.#family !== "" && isChildOf(path, this.#family)) return this.#familyThread;
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const found = this.#find(path);
    if (found === null) return supervisor ? CONTROL : this.#spread(path);
    // The root is where the node starts it, out of reach of what actors do to their threads.
    const thread = found.spec === this.#root ? CONTROL : this.#placed(path, found);
    if (found.together) {
      this.#family = parentOf(path);
      this.#familyThread = thread;
      return thread;
    }
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(path, thread);
    return thread;
  }

  /** Is the actor of this path bound neither to others nor to a thread of its subtree? */
  isAlone(path: string): boolean {
    if (this.#threads < 2 || this.#root === null) return false;
    if (this.#plain) return true;
    const found = this.#find(path);
    return found !== null && found.group === null;
  }

  /** Mail often goes to the same actor as the mail before it. */
  #again(path: string): number {
    if (path !== this.#last) {
      this.#last = path;
      this.#lastThread = this.#spread(path);
    }
    return this.#lastThread;
  }

  #spread(path: string): number {
    return 1 + (hash(path) % this.#threads);
  }

  #placed(path: string, { spec, group }: Found): number {
    if (spec.kind === "actor") return this.#threadOfGroup(group ?? path);
    // A dynamic supervisor whose children are all on one thread is beside them: so a start is a
    // local act. All others are out of reach of what actors do to their threads.
    const together = group ?? (spec.template?.placement === "with-parent" ? path : null);
    return spec.template !== null && together !== null ? this.#threadOfGroup(together) : CONTROL;
  }

  #threadOfGroup(group: string): number {
    return this.#own.get(group)?.thread ?? this.#spread(group);
  }

  /** Goes down the tree along the path. */
  #find(path: string): Found | null {
    const root = this.#root as SupervisorSpec;
    const [, first, ...ids] = path.split("/");
    if (first !== root.id) return null;
    let at = `/${first}`;
    let spec: ChildSpec = root;
    let group = this.#own.has(at) ? at : null;
    let together = false;
    for (const id of ids) {
      if (spec.kind !== "supervisor") return null;
      const child: ChildSpec | undefined =
        spec.template ?? spec.children.find((each) => each.id === id);
      if (child === undefined) return null;
      if (child.placement === "with-parent") group ??= at;
      together = spec.template !== null && child.placement === "with-parent";
      at = `${at}/${id}`;
      if (this.#own.has(at)) group = at;
      spec = child;
    }
    return { spec, group, together };
  }

  /** Numbers the subtrees with a thread of their own. @returns is anything placed? */
  #survey(spec: ChildSpec, path: string): boolean {
    let placed = spec.placement !== "spread";
    if (spec.placement === "own-thread") {
      const thread = this.#threads + this.#own.size + 1;
      this.#own.set(path, { path, thread, heapBytes: spec.threadHeapBytes });
    }
    if (spec.kind !== "supervisor") return placed;
    for (const each of spec.children) {
      if (this.#survey(each, `${path}/${each.id}`)) placed = true;
    }
    if (spec.template !== null && this.#survey(spec.template, `${path}/*`)) placed = true;
    return placed;
  }
}
