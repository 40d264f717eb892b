/**
 * Owns: one actor alone on a real kernel: whatever it sends to others arrives here, is noted as a
 * plain value and answered as the test has said. Virtual time, a store in memory, no threads.
 * Does not own: the verbs of a test (probe.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { AnyRef } from "../actor/protocol.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import { answerOf } from "../kernel/answers.ts";
import { Cell } from "../kernel/cell.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { Answer, Envelope, Mail, Signal } from "../kernel/ports.ts";
import { StoreClient } from "../store/committer.ts";
import { MemoryEngine } from "../store/memory.ts";
import { CALENDAR } from "./calendar.ts";
import type { Effect } from "./effect.ts";
import { answerTo, type Fake, type FakeAnswer, type FakeTools, fakeTools } from "./fakes.ts";
import { seeded } from "./random.ts";

/** How long a stage waits for a promise that no verb of ctx made. @unit ms of real time */
const PATIENCE_MS = 1_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** An actor's own spec; its tools grow with the fakes that are given. */
type StagedSpec = Omit<ActorSpec, "tools"> & { readonly tools: AnyTool[] };

interface Script {
  readonly path: string;
  readonly type: string;
  readonly answer: FakeAnswer<never, unknown>;
}

/** One actor and everything around it. */
export class Stage {
  readonly path: string;
  readonly spec: StagedSpec;
  readonly kernel: Kernel;
  readonly effects: Effect[] = [];
  readonly fakes: Fake[] = [];
  /** The present incarnation, or the last one. */
  cell: Cell | null = null;
  started = false;
  exit: ExitReason | null = null;
  readonly #store = new StoreClient();
  readonly #engine = new MemoryEngine();
  readonly #tools: FakeTools;
  readonly #scripts: Script[] = [];
  /** Asks of the actor to others that nobody has answered yet. */
  #asked: Mail[] = [];
  #answering = 0;
  #inbox: Envelope[] = [];
  /** Who the actor watches: number → path; and is linked to. */
  readonly #watches = new Map<number, string>();
  readonly #links = new Set<string>();
  #starts = 0;
  #handedOut = 0;

  constructor(path: string, spec: StagedSpec, seed: number) {
    this.path = path;
    this.spec = spec;
    this.#tools = fakeTools({
      fakes: this.fakes,
      now: () => this.kernel.nowMs,
      wait: (ms) => this.#wait(ms),
      called: (tool, input) => this.effects.push({ kind: "use", tool, input }),
    });
    this.kernel = new Kernel({
      thread: 0,
      control: 0,
      route: () => 0,
      transport: { send: () => true },
      committer: this.#store,
      tools: this.#tools,
      calendar: CALENDAR,
      random: seeded(seed),
      nowMs: 0,
      freeze: true,
      sink: (event) => event.type === "starting" && this.#watchTimers(),
    });
    this.#tap();
  }

  /** A new incarnation. */
  start(): void {
    const { kernel, path, spec } = this;
    this.started = false;
    this.exit = null;
    this.#asked = [];
    this.#watches.clear();
    this.#links.clear();
    const incarnation = ++this.#starts;
    const life = kernel.nextLife();
    const { args } = spec;
    kernel.deliver({ kind: "start", to: path, life, incarnation, spec, args, parent: "~0" });
  }

  /** An answer for asks to somebody outside; also for those that wait for one already. */
  script(script: Script): void {
    this.#scripts.unshift(script);
    const fits = (mail: Mail) => mail.to === script.path && mail.type === script.type;
    const waiting = this.#unanswered().filter(fits);
    this.#asked = this.#asked.filter((mail) => !fits(mail));
    for (const mail of waiting) this.#answer(mail, script);
  }

  /** Somebody outside has ended: who watches it or is linked to it is told. */
  ended(ref: AnyRef, reason: ExitReason): void {
    const { path: to } = this;
    for (const [id, path] of this.#watches) {
      if (path !== ref.path) continue;
      this.#watches.delete(id);
      this.kernel.deliver({ kind: "down", to, id, path, reason });
    }
    if (!this.#links.delete(ref.path)) return;
    this.kernel.deliver({ kind: "exit", to, from: ref.path, reason, linked: true });
  }

  /** Until nothing can happen but time, or an answer from outside. */
  async settle(): Promise<void> {
    const { kernel } = this;
    let left = PATIENCE_MS;
    for (;;) {
      const envelope = this.#inbox.shift();
      if (kernel.loose) {
        kernel.loose = false;
        // A macrotask comes when all microtasks are done.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (envelope !== undefined) kernel.deliver(envelope);
      else if (kernel.busy) kernel.runTurn();
      else if (this.#store.size > 0) this.#commit();
      else if (!kernel.loose && this.#inbox.length === 0) {
        if (left <= 0 || !this.#awaitsForeign()) return;
        await pause(1);
        left--;
      }
    }
  }

  async advance(ms: number): Promise<void> {
    const { kernel } = this;
    const until = kernel.nowMs + ms;
    await this.settle();
    for (;;) {
      const next = kernel.timers.next();
      if (next === null || next > until) break;
      kernel.advance(next);
      await this.settle();
    }
    kernel.advance(until);
  }

  /** What the handler in flight waits for, in words; "" when it waits for nothing. */
  waitsFor(): string {
    const asks = this.#unanswered().map(({ to, type }) => `an answer of ${to} to "${type}"`);
    if (asks.length > 0) return asks.join(", ");
    if (this.#tools.open > 0) return "a tool";
    return this.#handling() ? "a promise that no verb of ctx made" : "";
  }

  /** Asks that time out wait no more. */
  #unanswered(): Mail[] {
    const open = new Set([...(this.cell?.more.asks ?? [])].map(({ id }) => id));
    this.#asked = this.#asked.filter(({ ask }) => open.has(ask));
    return this.#asked;
  }

  #handling(): boolean {
    const status = this.cell?.status ?? "exited";
    return this.cell?.active != null && ["parked", "starting", "stopping"].includes(status);
  }

  /** Is something under way in real time: a fake's promise, or one that is foreign to ctx? */
  #awaitsForeign(): boolean {
    if (this.#tools.working + this.#answering > 0) return true;
    const { cell } = this;
    if (cell === null || !this.#handling()) return false;
    const known = this.#unanswered().length + this.#tools.open;
    return cell.own === null || cell.more.asks.size === 0 || cell.more.asks.size > known;
  }

  #commit(): void {
    const answers = this.#engine.execute(this.#store.take());
    for (const completion of this.#store.complete(answers)) this.kernel.complete(completion);
  }

  #wait(ms: number): Promise<void> {
    const { kernel } = this;
    return new Promise((resolve) => {
      kernel.timers.add(kernel.nowMs + ms, () => {
        kernel.loose = true;
        resolve();
      });
    });
  }

  #told(signal: Extract<Signal, { kind: "started" | "exited" }>): void {
    if (signal.kind === "started" && !("error" in signal.outcome)) {
      this.started = true;
      return;
    }
    const { outcome } = signal as { outcome?: { error: ExitReason } };
    const reason = outcome?.error ?? (signal as { reason: ExitReason }).reason;
    this.exit = reason;
    this.effects.push({ kind: "exit", reason });
  }

  /** Notes each timer when it is armed: in a durable actor that is when its slice has committed. */
  #watchTimers(): void {
    const process = this.kernel.members.get(this.path);
    if (!(process instanceof Cell)) return;
    this.cell = process;
    const { more } = process;
    const arm = more.arm.bind(more);
    more.arm = (ms, mail, idle, fire) => {
      const { type, message } = mail;
      this.effects.push({ kind: "timer", afterMs: ms, type, message });
      return arm(ms, mail, idle, fire);
    };
  }

  /** Everything that leaves passes kernel.send: what is for others ends here. */
  #tap(): void {
    const { kernel, path } = this;
    const inside = kernel.send.bind(kernel);
    kernel.near = () => null;
    kernel.post = (_ref, mail, sender) => kernel.send(mail, sender);
    kernel.send = (envelope, sender) => {
      const { to } = envelope;
      // A timer's message has no sender: it was noted when it was armed.
      if (envelope.kind === "mail" && envelope.from === path && (to !== path || sender !== null)) {
        const { type, message, ask } = envelope;
        this.effects.push({ kind: ask === 0 ? "tell" : "ask", to, type, message });
      }
      if (to === path || to.startsWith("~")) inside(envelope, sender);
      else this.#outside(envelope);
    };
  }

  #outside(envelope: Envelope): void {
    const { to } = envelope;
    switch (envelope.kind) {
      case "mail":
        return envelope.ask === 0 ? undefined : this.#ask(envelope);
      case "call":
        return this.#startChild(envelope);
      case "started":
      case "exited":
        return this.#told(envelope);
      case "watch":
        this.#watches.set(envelope.id, to);
        break;
      case "unwatch":
        if (!this.#watches.delete(envelope.id)) return;
        break;
      case "link":
        this.#links.add(to);
        break;
      case "unlink":
        this.#links.delete(to);
        break;
      default:
        return;
    }
    // An end takes watches with it: that is one effect, the exit.
    if (this.cell?.status !== "exited") this.effects.push({ kind: envelope.kind, to });
  }

  #startChild({ to: under, ask, request }: Extract<Signal, { kind: "call" }>): void {
    if (request.op !== "start_child") return;
    const { id, args } = request;
    this.effects.push({ kind: "start", under, id: id ?? null, args });
    const value = { ok: id ?? `#${++this.#handedOut}` };
    this.#inbox.push({ kind: "reply", to: this.path, ask, answer: { ok: true, value } });
  }

  #ask(mail: Mail): void {
    const script = this.#scripts.find((each) => each.path === mail.to && each.type === mail.type);
    if (script === undefined) this.#asked.push(mail);
    else this.#answer(mail, script);
  }

  #answer({ ask, message }: Mail, { answer }: Script): void {
    const { path: to } = this;
    const reply = (result: Answer) => {
      this.#answering--;
      this.#inbox.push({ kind: "reply", to, ask, answer: result });
    };
    this.#answering++;
    answerTo(answer, message).then(
      (value) => reply({ ok: true, value }),
      (thrown) => reply(answerOf(thrown)),
    );
  }
}
