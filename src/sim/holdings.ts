/**
 * Owns: watches, links and timers of simulated actors: setting them, taking them back.
 * Does not own: what happens when they fire (workload.ts).
 */
import type { Instruction } from "./programs.ts";
import type { Session } from "./session.ts";

type Of<V extends string> = Extract<Instruction, readonly [V, ...unknown[]]>;

/** Runs one instruction that sets or takes back something an incarnation holds. */
export function hold(session: Session, instruction: Instruction): void {
  switch (instruction[0]) {
    case "watch":
      return watch(session, instruction[1]);
    case "unwatch":
      return unwatch(session);
    case "link":
      return link(session, instruction[1]);
    case "unlink":
      return unlink(session);
    case "after":
      return after(session, instruction);
    case "cancel":
      return cancel(session);
  }
}

function watch(session: Session, to: string): void {
  const { path, life, book, ctx, run } = session;
  const made = session.act("watch", 0, () => ctx.watch({ path: to }));
  book.watches.push(made);
  run.stream.emit({ type: "watched", path, life, to, key: made.id });
}

function unwatch({ path, life, book, run }: Session): void {
  const last = book.watches.pop();
  if (last === undefined || run.isGone(life)) return;
  last.cancel();
  run.stream.emit({ type: "unwatched", path, life, key: last.id });
}

function link(session: Session, to: string): void {
  const { path, book, ctx } = session;
  if (to === path || book.links.has(to) || session.fickle) return;
  book.links.set(
    to,
    session.act("link", 0, () => ctx.link({ path: to })),
  );
}

function unlink({ life, book, run }: Session): void {
  const [first] = book.links;
  if (first === undefined || run.isGone(life)) return;
  book.links.delete(first[0]);
  first[1].unlink();
}

const missedOf = (key: number) => (["once", "skip", "all"] as const)[key % 3] ?? "once";

function after(session: Session, [, ms, when, program, more]: Of<"after">): void {
  const { path, life, ctx, book, run } = session;
  const plain = session.message(program);
  const message = more?.repeats ? { ...plain, again: more.id } : plain;
  const { key } = message;
  const dueMs = ctx.now() + ms;
  const named = more !== undefined && run.ledger.isDurable(path);
  const delay = named && more.repeats ? ({ every: ms, missed: missedOf(key) } as const) : ms;
  const options = named ? { id: more.id } : { when };
  const timer = session.act("after", key, () => ctx.after(delay, "tick", message, options));
  book.timers.push({ key, timer });
  // In a second run it stands for what the first one has sent, which comes as ordinary mail.
  const name = when === "next" && session.fickle ? "mail" : when;
  run.stream.emit({ type: "timer_set", path, life, key, when: name, dueMs });
}

function cancel({ path, life, book, run }: Session): void {
  const last = book.timers.pop();
  if (last === undefined || run.isGone(life) || !last.timer.cancel()) return;
  run.stream.emit({ type: "timer_cancelled", path, life, key: last.key });
}
