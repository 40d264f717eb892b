/**
 * Owns: the transaction of a durable actor: what its slice did since the last commit, a mark after
 * each finished message, cutting back to the mark, sealing into a Commit.
 * Does not own: performing effects (kernel.ts) or storing commits (store/).
 * Invariants: K3 no effect leaves before its commit; K4 state after a crash is a committed state.
 */
import type { ExitReason } from "../actor/exit.ts";
import type {
  Answer,
  Commit,
  Envelope,
  Mail,
  StepRecord,
  TimerChange,
  Unnumbered,
} from "./ports.ts";

/** Whose commit it is. */
type Author = Pick<Commit, "path" | "life" | "behaviour" | "version" | "snapshotEvery">;

/** What leaves with a commit, in order. */
export type Effect =
  /** `id`: of the ask that it answers. */
  | { readonly kind: "send"; readonly envelope: Envelope; readonly id?: string }
  /** `timer`: what is committed, and from then on armed or not by `run`. */
  | { readonly kind: "run"; readonly run: () => void; readonly timer?: TimerChange };

/** Something to be sent; `id` is that of the ask it answers, if it has one. */
export const toSend = (envelope: Envelope, id?: string): Effect =>
  id ? { kind: "send", envelope, id } : { kind: "send", envelope };

/** The mail among them. */
export const mailsOf = (effects: readonly Effect[]): Mail[] =>
  effects.flatMap((each) =>
    each.kind === "send" && each.envelope.kind === "mail" ? [each.envelope] : [],
  );

/** Where a rerun of a message stands: its recorded answers, given again in the order of recording. */
export class Journal {
  readonly seq: number;
  /** Effects that an earlier run of this message has already released. */
  readonly released: number;
  readonly #steps: readonly StepRecord[];
  readonly #waiting = new Map<number, () => void>();
  #next = 0;

  constructor(seq: number, steps: readonly StepRecord[], released: number) {
    this.seq = seq;
    this.#steps = steps;
    this.released = released;
  }

  /** What an earlier run recorded at this place. */
  find(index: number): StepRecord | undefined {
    return this.#steps.find((each) => each.index === index);
  }

  /** The handler waits for what was recorded at `index`. */
  wait(index: number, resume: () => void): void {
    this.#waiting.set(index, resume);
  }

  /** Is the handler waiting for the next recorded answer? Then it goes before all new ones. */
  get due(): boolean {
    const step = this.#steps[this.#next];
    return step !== undefined && this.#waiting.has(step.index);
  }

  /** Gives the answer that is due. */
  give(): void {
    const step = this.#steps[this.#next];
    const resume = step && this.#waiting.get(step.index);
    if (resume === undefined) return;
    this.#next++;
    resume();
  }
}

/** Mail, acks and state collected by a durable actor between two commits. */
export class Slice {
  #acks: number[] = [];
  /** Mail that went ahead: what was handled, and what has made its actor crash (ahead.ts). */
  #ahead: Mail[] = [];
  #failed: Unnumbered[] = [];
  #effects: Effect[] = [];
  #steps: StepRecord[] = [];
  #retries: { seq: number; attempts: number }[] = [];
  #tries: { seq: number; tries: number }[] = [];
  #dead: { seq: number; reason: ExitReason }[] = [];
  #state: { value: unknown } | null = null;
  #progress: { seq: number; effects: number } | null = null;
  #created: { args: unknown } | null = null;
  /** Length of the effects at the mark. */
  #mark = 0;

  add(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** The first commit of a new actor. */
  create(args: unknown, state: unknown): void {
    this.#created = { args };
    this.#state = { value: state };
    this.#mark = this.#effects.length;
  }

  /** A message is finished: from here on it stands. @param ahead it, if it has no number yet */
  finish(seq: number, state: { value: unknown } | null, ahead?: Mail): void {
    if (seq > 0) this.#acks.push(seq);
    else if (seq < 0 && ahead !== undefined) this.#ahead.push(ahead);
    if (state !== null) this.#state = state;
    this.#progress = null;
    this.#mark = this.#effects.length;
  }

  /** The message in flight waits: what it did so far is released and remembered as released. */
  park(seq: number, effects: number): void {
    if (seq > 0) this.#progress = { seq, effects };
    this.#mark = this.#effects.length;
  }

  record(step: StepRecord): void {
    this.#steps.push(step);
  }

  /** Throws away what came after the mark. @returns the effects that will not leave */
  cut(): Effect[] {
    return this.#effects.splice(this.#mark);
  }

  /** Throws away everything that is not sealed. @returns the effects that will not leave */
  drop(): Effect[] {
    return this.#effects.splice(0);
  }

  retry(mail: Mail, attempts: number): void {
    if (mail.seq > 0) this.#retries.push({ seq: mail.seq, attempts });
    else this.#failed.push({ mail, attempts, reason: null });
  }

  /** The message is about to be delivered once more. */
  count(seq: number, tries: number): void {
    this.#tries.push({ seq, tries });
  }

  bury(mail: Mail, reason: ExitReason): void {
    const { seq, attempts } = mail;
    if (seq < 0) return void this.#failed.push({ mail, attempts, reason });
    this.#dead.push({ seq, reason });
    this.#acks.push(seq);
  }

  /** Numbers of the mail finished since the last commit. */
  get acks(): readonly number[] {
    return [...this.#acks, ...this.#ahead.map(({ seq }) => seq)];
  }

  /** Is there anything to commit? */
  get dirty(): boolean {
    return (
      this.#acks.length + this.#effects.length + this.#steps.length + this.#retries.length > 0 ||
      this.#tries.length + this.#ahead.length + this.#failed.length > 0 ||
      this.#state !== null ||
      this.#created !== null
    );
  }

  /** Seals what was collected; the slice is empty again. */
  seal(actor: Author): [Commit, Effect[]] {
    const effects = this.#effects;
    const mails: Mail[] = [];
    const timers: TimerChange[] = [];
    const answers: { id: string; answer: Answer }[] = [];
    for (const each of effects) {
      if (each.kind === "run") {
        if (each.timer !== undefined) timers.push(each.timer);
        continue;
      }
      const { envelope, id } = each;
      if (envelope.kind === "mail") mails.push(envelope);
      else if (id && envelope.kind === "reply") answers.push({ id, answer: envelope.answer });
    }
    const ahead = { handled: this.#ahead, failed: this.#failed };
    const isAhead = ahead.handled.length + ahead.failed.length > 0;
    const commit: Commit = {
      ...actor,
      created: this.#created,
      acks: this.#acks,
      ...(isAhead ? { ahead } : {}),
      state: this.#state,
      steps: this.#steps,
      progress: this.#progress,
      retries: this.#retries,
      tries: this.#tries,
      dead: this.#dead,
      timers,
      answers,
      mails,
    };
    this.#acks = [];
    this.#ahead = [];
    this.#failed = [];
    this.#effects = [];
    this.#steps = [];
    this.#retries = [];
    this.#tries = [];
    this.#dead = [];
    this.#state = this.#progress = this.#created = null;
    this.#mark = 0;
    return [commit, effects];
  }
}
