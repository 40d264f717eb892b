/**
 * Owns: what the outside asks of a simulated node at random: work, questions, payments,
 * administrative calls. Does not own: when (chaos.ts), the faults that come with it (havoc.ts).
 */
import { submit } from "../kernel/delivery.ts";
import { parentOf } from "../kernel/paths.ts";
import type { Answer } from "../kernel/ports.ts";
import type { AdminRequest, AdminResult } from "../kernel/supervision.ts";
import { SupervisorCell } from "../kernel/supervisor-cell.ts";
import type { Chaos } from "./chaos.ts";
import { Havoc, type Paths } from "./havoc.ts";
import type { Payment } from "./money.ts";
import {
  below,
  drawProgram,
  FOREVER_MS,
  type Program,
  pick,
  pickWeighted,
  type Random,
  type ReplyMode,
  type Targets,
} from "./programs.ts";
import type { Message } from "./run-context.ts";
import { Drawing } from "./swarm.ts";

const OPS = [
  ...(["restart_child", "terminate_child", "delete_child", "renew_child"] as const),
  ...(["get_childspec", "which_child", "which_children", "count_children"] as const),
];
/** Chance in each step that who moves talks with another one. */
const CHATTER = 0.3;
/** Chance that who has just left the memory is needed at once. */
const RECALL = 0.2;
/** Chance that one thread's lines are slow during a move. */
const SLOW = 0.5;
const MODES: readonly ReplyMode[] = ["first", "last", "defer", "none", "crash"];

/** Whoever keeps a node busy from outside. */
export class Nemesis {
  readonly #chaos: Chaos;
  readonly #random: Random;
  readonly #drawing: Drawing;
  readonly #paths: Paths = { actors: [], supervisors: [], dynamics: [] };
  readonly havoc: Havoc;
  /** Who moves, or moved last, and with whom it talks. */
  #talking: readonly [mover: string, other: string] = ["", ""];
  /** Who has just left the memory. */
  #left = "";

  constructor(chaos: Chaos, random: Random) {
    this.#chaos = chaos;
    this.#random = random;
    this.#drawing = new Drawing(random, chaos.workload, random);
    this.havoc = new Havoc(chaos, random, this.#paths);
    chaos.stream.listen((event) => {
      if (event.type === "starting") this.#learn(event.path);
      else if (event.type === "hibernated") this.#left = event.path;
    });
  }

  #learn(path: string): void {
    const { world, ledger } = this.#chaos;
    const spec =
      world.kernelOf(path).members.get(path)?.spec ?? world.control.members.get(path)?.spec;
    if (spec?.kind === "actor") {
      if (spec.durable) ledger.declare(path);
      add(this.#paths.actors, path);
    } else if (spec !== undefined) {
      add(spec.template === null ? this.#paths.supervisors : this.#paths.dynamics, path);
    }
  }

  get #targets(): Targets {
    const { ledger } = this.#chaos;
    const actors = this.#actors;
    const ephemeral = actors.filter((path) => !ledger.isDurable(path));
    return { actors, ephemeral, dynamics: this.#paths.dynamics };
  }

  /** Mostly those who live: much mail for the dead shows little. */
  get #actors(): readonly string[] {
    const { census } = this.#chaos;
    const living = this.#paths.actors.filter((path) => census.isThere(path));
    return living.length === 0 || this.#random() < 0.15 ? this.#paths.actors : living;
  }

  /** One random action; before the first actor is there, none. */
  act(): void {
    if (this.#paths.actors.length === 0) return;
    if (this.havoc.strike()) return;
    const random = this.#random;
    const { outside } = this.#chaos;
    const draw = pickWeighted<() => void>(random, [
      [10, () => this.#work()],
      [3, () => this.#question()],
      [4, () => this.#mint()],
      [3, () => this.#admin()],
      [this.#paths.dynamics.length > 0 ? 3 : 0, () => this.#startDynamic()],
      [1, () => this.#state()],
      [outside.size > 0 ? 8 : 0, () => void outside.answer(false)],
      [this.havoc.suspended > 0 ? 4 : 0, () => this.havoc.resumeOne()],
      [0.5, () => this.#flushOne(pick(random, this.#paths.actors))],
    ]);
    draw();
  }

  /** Perhaps who has just left is needed, before its supervisor knows. Asked at each step. */
  recall(): void {
    const path = this.#left;
    this.#left = "";
    if (path === "" || this.#chaos.faults.over || this.#random() >= RECALL) return;
    const { world, marks } = this.#chaos;
    const parent = parentOf(path);
    const above = world.kernelOf(parent).members.get(parent) ?? world.control.members.get(parent);
    const isUp =
      above instanceof SupervisorCell && above.state.children.has(path.slice(parent.length + 1));
    if (isUp) marks.hit("an actor was needed again while it left the memory");
    this.#tell(path, "work", this.#message());
  }

  /** Perhaps somebody moves. Asked at each step; meanwhile another one talks with the one who does. */
  migrate(): void {
    const { world, swarm, faults } = this.#chaos;
    const { transfers } = world.control;
    if (swarm.threads < 2 || transfers === null || faults.over) return;
    const random = this.#random;
    if (!transfers.idle) return random() < CHATTER ? this.#chat() : undefined;
    if (this.#paths.actors.length === 0 || !faults.fires("move actor")) return;
    const mover = pick(random, this.#actors);
    const from = world.threadOf(mover);
    const to = 1 + below(random, swarm.threads - 1);
    const thread = to < from ? to : to + 1;
    if (!transfers.move(mover, thread)) return;
    const living = this.#actors.filter((path) => path !== mover);
    const third = living.filter((path) => ![from, thread].includes(world.threadOf(path)));
    this.#talking = [mover, pick(random, third.length > 0 ? third : [mover, ...living])];
    // Whoever is slow now has much under way when the others know of the move.
    if (random() >= SLOW) return;
    const what = pick(random, ["link", "link", "store", "answers"] as const);
    world.stall(what, 1 + below(random, swarm.threads), 1 + below(random, 300));
  }

  #chat(): void {
    const [mover, other] = this.#talking;
    const [from, to] = this.#random() < 0.6 ? [other, mover] : [mover, other];
    const program: Program = [["tell", to, []]];
    const key = this.#chaos.workload.nextKey();
    this.#tell(from, "work", { key, from: "", life: 0, program } as Message);
  }

  /* ---- work ---- */

  #message(mode?: ReplyMode): Message {
    const { workload, faults } = this.#chaos;
    const program = drawProgram(this.#random, this.#targets, faults);
    return { key: workload.nextKey(), from: "", life: 0, program, ...(mode ? { mode } : {}) };
  }

  #tell(to: string, type: string, message: { key: number }): void {
    const { world, stream } = this.#chaos;
    world.send(world.control.mail(to, type, message, "", 0));
    const { key } = message;
    stream.emit({ type: "sent", path: "", life: 0, to, key, ask: false, money: type === "pay" });
  }

  #work(): void {
    this.#tell(pick(this.#random, this.#actors), "work", this.#message());
  }

  #question(): void {
    const to = pick(this.#random, this.#actors);
    const { world, ledger } = this.#chaos;
    const message = this.#message(pick(this.#random, MODES));
    const ms = ledger.isDurable(to) ? 5_000 : FOREVER_MS;
    const done = this.#called(message.key, to, "question");
    world.control.request(to, "question", message, ms, done);
  }

  #mint(): void {
    const { ledger, workload } = this.#chaos;
    const durable = this.#actors.filter((path) => ledger.isDurable(path));
    if (durable.length === 0) return;
    const random = this.#random;
    const key = workload.nextKey();
    const route = Array.from({ length: below(random, 4) }, () => pick(random, durable));
    const slow = random() < 0.4;
    const amount = 16 + below(random, 100);
    // Every second time by an actor that forgets: such mail can be handled before it is written.
    const { ephemeral } = this.#targets;
    const minter = ephemeral[key % 2 === 0 ? key % ephemeral.length : -1];
    if (minter !== undefined) {
      const mint = ["mint", pick(random, durable), amount, route, slow] as const;
      const program: Program = Array.from({ length: 1 + (key % 3) }, () => mint);
      return this.#tell(minter, "work", { key, from: "", life: 0, program } as Message);
    }
    const payment: Payment = { key, id: `mint#${key}`, from: "", n: key, amount, route, slow };
    const to = pick(random, durable);
    if (random() < 0.5) this.#tell(to, "pay", payment);
    else this.#payTwice(to, payment);
  }

  /** Who does not know whether it came through sends it again, under the same id. */
  #payTwice(to: string, payment: Payment): void {
    const { world, stream } = this.#chaos;
    const { control } = world;
    for (let times = 0; times < 2; times++) {
      submit(control, control.mail(to, "pay", payment, "", 0), payment.id, null);
    }
    const { key } = payment;
    stream.emit({ type: "sent", path: "", life: 0, to, key, ask: false, money: true });
  }

  /** A call from outside: it must be answered once. */
  #called(key: number, to: string, what: string, ends?: string): (answer: Answer) => void {
    const { stream } = this.#chaos;
    stream.emit({ type: "called", key, to, what, ...(ends === undefined ? {} : { ends }) });
    return (answer) => {
      const value = answer.ok ? (answer.value as AdminResult | null) : null;
      const error = typeof value === "object" && value !== null && "error" in value;
      const how = answer.ok ? (error ? value.error : "ok") : answer.code;
      stream.emit({ type: "returned", key, how });
    };
  }

  #call(to: string, request: AdminRequest): void {
    const { world, workload } = this.#chaos;
    const ends = request.op === "terminate_child" ? `${to}/${request.id}` : undefined;
    const done = this.#called(workload.nextKey(), to, request.op, ends);
    world.control.call(to, request, FOREVER_MS, done);
  }

  #startDynamic(): void {
    const random = this.#random;
    const id = random() < 0.5 ? undefined : pick(random, ["x", "y", "z"]);
    this.#call(pick(random, this.#paths.dynamics), { op: "start_child", id, args: null });
  }

  #admin(): void {
    const random = this.#random;
    const to = pick(random, [...this.#paths.supervisors, ...this.#paths.dynamics]);
    const state = this.#chaos.world.control.members.get(to)?.spec;
    if (state?.kind === "supervisor" && state.template === null && random() < 0.3) {
      const durable = random() < 0.5;
      const id = `${durable ? "kept" : "new"}${below(random, 3)}`;
      const spec = this.#drawing.actor(id, `${to}/${id}`, state.autoShutdown !== "never", durable);
      return this.#call(to, { op: "start_child", spec });
    }
    const ids = [...this.#paths.actors, ...this.#paths.supervisors, ...this.#paths.dynamics]
      .filter((path) => path.startsWith(`${to}/`) && !path.slice(to.length + 1).includes("/"))
      .map((path) => path.slice(to.length + 1));
    const id = ids.length === 0 || random() < 0.1 ? "nobody" : pick(random, ids);
    this.#call(to, { op: pick(random, OPS), id });
  }

  #state(): void {
    const { world, workload } = this.#chaos;
    const to = pick(this.#random, this.#paths.actors);
    const done = this.#called(workload.nextKey(), to, "get_state");
    world.control.call(to, "get_state", FOREVER_MS, done);
  }

  /* ---- the end ---- */

  /** Lets all live actors answer what they have put off. @returns how many were asked */
  flush(): number {
    const { world, workload } = this.#chaos;
    const waiting = this.#paths.actors.filter((path) => {
      const life = world.kernelOf(path).members.get(path)?.life;
      return life !== undefined && workload.book(life).deferred.length > 0;
    });
    for (const path of waiting) this.#flushOne(path);
    return waiting.length;
  }

  #flushOne(to: string): void {
    const message: Message = {
      key: this.#chaos.workload.nextKey(),
      from: "",
      life: 0,
      program: [],
    };
    this.#tell(to, "flush", message);
  }
}

function add(list: string[], path: string): void {
  if (!list.includes(path)) list.push(path);
}
