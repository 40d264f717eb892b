/**
 * Owns: what the store must forget of children that are gone for good: their own thread tells it,
 * before it reads there again; what waits for that. Asks that were still in a forgotten mailbox end.
 * Does not own: deciding that a child is gone for good (work.ts).
 */
import { failed, replyTo } from "./answers.ts";
import type { Kernel } from "./kernel.ts";
import { parentOf } from "./paths.ts";
import type { Completion } from "./ports.ts";
import { SupervisorCell } from "./supervisor-cell.ts";

/** What a supervisor wants forgotten, and does not know to be yet. */
interface Open {
  thread: number;
  /** Once for each time it was asked for, in order. */
  readonly waiting: (() => void)[];
}

/** What a kernel's supervisors want forgotten. */
export class Forgetting {
  readonly #kernel: Kernel;
  /** By path. */
  readonly #open = new Map<string, Open>();
  /** What this thread's store was told to forget: the threads that want to know, by path, in order. */
  readonly #asked = new Map<string, number[]>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Of this kernel's supervisors. */
  get paths(): Iterable<string> {
    return this.#open.keys();
  }

  /** A child is gone for good. @param thread where it ran @param then when the store has answered */
  ask(path: string, thread: number, then: () => void): void {
    const { moves, options, thread: by } = this.#kernel;
    const isKept = moves.keeps({ kind: "forget", to: path, by });
    const at = isKept ? options.route(path, false) : thread;
    const open = this.#open.get(path) ?? { thread: at, waiting: [] };
    open.thread = at;
    open.waiting.push(then);
    this.#open.set(path, open);
    if (!isKept) this.#tell(path, at);
  }

  /** A supervisor on thread `by` wants it. */
  obey(path: string, by: number): void {
    const asked = this.#asked.get(path);
    if (asked === undefined) this.#asked.set(path, [by]);
    else asked.push(by);
    this.#kernel.committer.forget(path);
  }

  /** This thread's store has forgotten it. */
  done({ path, asks }: Extract<Completion, { kind: "forgotten" }>): void {
    const kernel = this.#kernel;
    for (const ask of asks) kernel.send(replyTo(ask, failed("exited", path)), null);
    const asked = this.#asked.get(path);
    const by = asked?.shift() ?? kernel.thread;
    if (asked?.length === 0) this.#asked.delete(path);
    if (by === kernel.thread) this.confirmed(path);
    else kernel.options.transport.send(by, { kind: "forgotten", to: path });
  }

  /** A child is forgotten: its supervisor may have waited for that. */
  confirmed(path: string): void {
    const open = this.#open.get(path);
    const then = open?.waiting.shift();
    if (open?.waiting.length === 0) this.#open.delete(path);
    then?.();
    const above = this.#kernel.members.get(parentOf(path));
    if (above instanceof SupervisorCell) above.sleepers?.ask();
  }

  /** What was asked of a thread that is gone is asked of its successor. */
  lost(thread: number): void {
    for (const [path, open] of this.#open) {
      if (open.thread === thread) for (const _ of open.waiting) this.#tell(path, thread);
    }
  }

  #tell(path: string, thread: number): void {
    const { options, thread: by } = this.#kernel;
    if (thread === by) this.obey(path, by);
    else options.transport.send(thread, { kind: "forget", to: path, by });
  }
}
