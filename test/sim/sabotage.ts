/**
 * Owns: builds broken on purpose, as data: which line of the kernel is changed, and which checks of
 * the simulator may be the ones that notice. Does not own: building and running (sabotage.test.ts).
 */
import type { Fault } from "../../src/sim/faults.ts";

/** One broken build. `find` must stand in the file exactly once. */
export interface Sabotage {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The check that is expected to notice, by the beginning of its name. */
  readonly check: string;
  /** Faults that are on in each run: what they lead to is too rare otherwise. */
  readonly always?: readonly Fault[];
}

const MOVES: readonly Fault[] = ["move actor"];
/** Threads are lost in the midst of moves. */
const LOSSES: readonly Fault[] = ["move actor", "lose thread", "delay store", "delay link"];

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: "no fencing of dead incarnations and finished messages",
    file: "kernel/verbs.ts",
    find: "if (cell.active !== this) late(cell, verb);",
    replace: "if (cell.active === undefined) late(cell, verb);",
    check: "S3 ",
  },
  {
    name: "children are stopped in start order",
    file: "kernel/supervisor.ts",
    find: "const children = [...state.children.values()].reverse();",
    replace: "const children = [...state.children.values()];",
    check: "S4 ",
  },
  {
    name: "a retry is not counted",
    file: "kernel/supervisor.ts",
    find: 'if (child.status === "restarting" && state.children.get(child.id) === child) {',
    replace:
      'if (child.status === "restarting" && state.children.get(child.id) === child) {\n' +
      "        state.loss = reason;",
    check: "S5 ",
  },
  {
    name: "the window allows one restart too many",
    file: "kernel/strategy.ts",
    find: "return window.length <= intensity;",
    replace: "return window.length <= intensity + 1;",
    check: "S5 ",
  },
  {
    name: "a group restart skips children that were stopped",
    file: "kernel/supervisor.ts",
    find: "...start.map((each)",
    replace: '...start.filter((each) => each === child || each.status === "up").map((each)',
    check: "conformance: ",
  },
  {
    name: "a late reply is delivered",
    file: "kernel/asks.ts",
    find: "    this.#expected.delete(pending);",
    replace: "",
    check: "S11 ",
  },
  {
    name: "effects leave before their commit",
    file: "kernel/verbs.ts",
    find: "if (cell.slice === null) cell.kernel.send(envelope, cell);\n    else if",
    replace: "if (cell.slice !== undefined) cell.kernel.send(envelope, cell);\n    else if",
    check: "K3 ",
  },
  {
    name: "a name is freed late",
    file: "kernel/burial.ts",
    find: "if (kernel.members.get(path) === cell) kernel.members.delete(path);",
    replace: "kernel.timers.add(kernel.nowMs + 1, () => kernel.members.delete(path));",
    check: "assertions of the kernel",
  },
  {
    name: "an ask of nobody is never answered",
    file: "kernel/delivery.ts",
    find: 'return undeliverable(kernel, envelope, "no_actor", null);',
    replace: "return;",
    check: "liveness: asks end",
  },
  {
    name: "a commit acknowledges the message but forgets the state",
    file: "kernel/slice.ts",
    find: "    if (state !== null) this.#state = state;",
    replace: "",
    check: "durable: ",
  },
  {
    name: "an end is not told to who watches",
    file: "kernel/burial.ts",
    find: 'kernel.send({ kind: "down", to, id, path: from, reason }, null);',
    replace: "",
    check: "S6 ",
  },
  {
    name: "a crash keeps what the failing message did",
    file: "kernel/slice.ts",
    find: "return this.#effects.splice(this.#mark);",
    replace: "return [];",
    check: "durable: ",
  },
  {
    name: "a full mailbox never lets senders of other threads go on",
    file: "kernel/belongings.ts",
    find: 'for (const to of mutingAfar) kernel.send({ kind: "unmute", to, by }, null);',
    replace: "",
    check: "liveness: actors rest",
    always: ["small mailbox"],
  },
  {
    name: "room on a line lets nobody go on",
    file: "kernel/resting.ts",
    find: "for (const cell of cells ?? []) goOn(cell);",
    replace: "void cells;",
    check: "liveness: ",
  },
  {
    name: "timers of an earlier incarnation are not taken up",
    file: "kernel/restore.ts",
    find: "  for (const record of stored.timers) takeUp(cell, record);",
    replace:
      "  for (const record of stored.timers) takeUp.call(null, cell, { ...record, dueMs: 9e15 });",
    check: "liveness: timers fire",
  },
  {
    name: "a store takes commits of lives that have lost their actor",
    file: "store/memory.ts",
    find: "    if (life < (this.#owners.get(path) ?? 0)) return {",
    replace: "    if (life < 0) return {",
    check: "K11 an older life",
  },
  {
    name: "mail that a lost thread had stored is not read",
    file: "kernel/loss.ts",
    find: "if (member instanceof Cell) catchUp(member);",
    replace: "if (member instanceof Cell) void catchUp;",
    check: "liveness: ",
    always: ["store error after", "delay answers"],
  },
  {
    name: "a delivery is not counted before it happens",
    file: "kernel/doubt.ts",
    find: "mail.slice(0, TURN_MESSAGES)",
    replace: "mail.slice(TURN_MESSAGES)",
    check: "D4 ",
  },
  {
    name: "an actor goes before everybody has said that nothing is under way to it",
    file: "kernel/departures.ts",
    find: "if (leaving.said.size < this.#kernel.moves.options.threads) return;",
    replace: "",
    check: "S7 ",
    always: MOVES,
  },
  {
    name: "others send to the new thread of an actor before that waits for it",
    file: "kernel/departures.ts",
    find: "if (by === leaving.thread && !leaving.expected) this.#tellOthers(leaving);",
    replace: "leaving.said.set(leaving.thread, 9);\n    this.#tellOthers(leaving);",
    check: "liveness",
    always: MOVES,
  },
  {
    name: "mail for an actor that is on its way is not kept",
    file: "kernel/moves.ts",
    find: "    return expected !== undefined;\n  }\n\n  receive",
    replace: "    expected?.mail.pop();\n    return false;\n  }\n\n  receive",
    check: "liveness: ",
    always: MOVES,
  },
  {
    name: "the loss of a home is taken for that of an actor that has moved",
    file: "kernel/loss.ts",
    find: "=== thread && !away.has(path)",
    replace: "=== thread",
    check: "S8 ",
    always: LOSSES,
  },
  {
    name: "an actor that moved is lost and nobody is told",
    file: "kernel/moves.ts",
    find: "if (this.away.delete(path) || !told) gone.add(path);",
    replace: "if (this.away.delete(path)) continue;\n      gone.add(path);",
    check: "liveness: ",
    always: LOSSES,
  },
  {
    name: "a durable actor goes before the store has answered its thread",
    file: "kernel/departures.ts",
    find: "if (cell.slice === null) return this.#go",
    replace: "if (cell.slice !== undefined) return this.#go",
    check: "S7 ",
    always: MOVES,
  },
  {
    name: "nobody is told that mail has come for a sleeping actor",
    file: "kernel/callers.ts",
    find: "return envelope.seq > 0 && this.#call(to);",
    replace: "return envelope.seq > 0;",
    check: "liveness: ",
  },
  {
    name: "an actor that falls asleep is forgotten",
    file: "kernel/waking.ts",
    find: "  state.asleep++;",
    replace: "  out.forget(child);",
    check: "durable: who sleeps is kept",
  },
  {
    name: "who could not come back is forgotten",
    file: "kernel/strategy.ts",
    find: "spec.durable && !wasMeant(reason)",
    replace: "spec.durable && wasMeant(reason)",
    check: "durable: who sleeps is kept",
    always: ["store error before", "store error after"],
  },
  {
    name: "timers of sleeping actors are not looked for",
    file: "kernel/sleepers.ts",
    find: "      else this.look();",
    replace: "",
    check: "liveness: ",
  },
  {
    name: "a sleeping actor is woken twice",
    file: "kernel/abreast.ts",
    find: '    actions.push({ do: "start", child });',
    replace: '    actions.push({ do: "start", child }, { do: "start", child });',
    check: "assertions",
  },
];
