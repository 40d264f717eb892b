/**
 * Owns: inline effects, with retries and timeouts.
 * Does not own: keeping score of answers (asks.ts), recording them (journal.ts).
 */
import { onlyKnown } from "../actor/names.ts";
import { settings } from "../actor/settings.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import { answerOf } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { answeredBefore } from "./journal.ts";
import { Pending } from "./pending.ts";
import type { Answer } from "./ports.ts";
import { inline } from "./running.ts";
import type { Verbs } from "./verbs.ts";

export type StepOptions = { retries?: number; timeout?: Duration };

const OPTIONS = { retries: true, timeout: true } as const;

/**
 * The idempotency key of the step that begins now. Asked for when its commit is done: by then its
 * message has its number, unless it is over.
 */
export function keyOf({ mail, more }: Verbs, { path, life, handled }: Cell): () => string {
  const { steps } = more;
  return () =>
    `${path}/${mail !== null && mail.seq > 0 ? mail.seq : `${life}.${handled}`}/${steps}`;
}

/** Runs an inline effect after the commit of what came before it; its result is recorded. */
export function perform(
  verbs: Verbs,
  cell: Cell,
  name: string,
  options: StepOptions,
  fn: (signal: AbortSignal, key: string) => unknown,
): Promise<unknown> {
  const { kernel } = cell;
  const key = keyOf(verbs, cell);
  const at = `${cell.path}, ctx.step`;
  const { retries, timeout } = onlyKnown(options, OPTIONS, at);
  let left = settings.integer(retries, 0, [0, 1_000_000], "retries", at);
  const timeoutMs = timeout === undefined ? null : milliseconds(timeout, name);
  const pending = new Pending(verbs, cell, "", { verb: "effect", name });
  if (answeredBefore(pending)) return pending.promise;
  const id = kernel.asks.expect(pending);
  const done = (answer: Answer) => kernel.asks.answered(id, answer);
  const attempt = () => {
    // Timed out while its commit was under way, or between two attempts: it must not act now.
    if (!kernel.asks.expects(id)) return;
    const { signal } = cell.more.abort();
    guarded(
      cell,
      () => fn(signal, key()),
      (answer) => {
        if (answer.ok || left-- <= 0 || signal.aborted) done(answer);
        else attempt();
      },
    );
  };
  if (timeoutMs !== null) {
    pending.timer = kernel.timers.add(kernel.freshen() + timeoutMs, () => kernel.asks.timedOut(id));
  }
  if (cell.slice === null) attempt();
  else cell.collect({ kind: "run", run: () => cell.later(attempt) });
  return pending.promise;
}

/** Runs an inline effect of a handler; what it throws is its answer, not the actor's end. */
export function guarded(cell: Cell, fn: () => unknown, done: (answer: Answer) => void): void {
  const { guard } = cell.kernel;
  const post = (answer: Answer) => {
    guard.pause();
    done(answer);
    guard.resume();
  };
  try {
    inline(cell, () => {
      const value = fn();
      Promise.resolve(value).then(
        (result) => post({ ok: true, value: result }),
        (thrown) => post(answerOf(thrown)),
      );
    });
  } catch (thrown) {
    done(answerOf(thrown));
  }
}
