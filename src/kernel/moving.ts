/**
 * Owns: what threads say to each other when an actor moves, as data (ADR 0025).
 * Does not own: who says it when: the control thread (transfers.ts), all threads (moves.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { Belongings } from "./belongings.ts";
import type { Item } from "./mailbox.ts";
import type { Mail, Signal } from "./ports.ts";
import type { PackedAlarm } from "./timetable.ts";

/** An actor between two threads. */
export interface Luggage {
  readonly spec: ActorSpec;
  readonly life: number;
  readonly incarnation: number;
  readonly parent: string;
  readonly state: unknown;
  readonly reductions: number;
  readonly handled: number;
  readonly suspended: boolean;
  /** What its calls and its work have come to. */
  readonly used: Pick<Belongings, "tools" | "steps" | "reported">;
  readonly mailbox: readonly Item[];
  /** Signals that go before mail. */
  readonly lane: readonly Signal[];
  /** Which of the lane and the mailbox, counted through, are exits over links that still count. */
  readonly exits: readonly number[];
  readonly links: readonly string[];
  readonly watching: readonly (readonly [id: number, path: string])[];
  readonly watchers: readonly { readonly from: string; readonly id: number }[];
  readonly mutedAfar: readonly string[];
  readonly timers: readonly {
    readonly dueMs: number;
    readonly mail: Mail;
    readonly idle: boolean;
  }[];
  /** Timers that have a name, repeat or are in the store. */
  readonly alarms: readonly PackedAlarm[];
  /** Highest mail number already read from the store. */
  readonly watermark: number;
  /** How often this incarnation has moved, with this time. */
  readonly moves: number;
  /** Numbers above this one have not been given out by the actor's threads so far. */
  readonly lastId: number;
  /** Losses of each thread that the actor has been told of. */
  readonly losses: readonly number[];
}

/** An actor that could move. */
export interface Candidate {
  readonly path: string;
  /** Part of its thread's work since the last look. @limit 0 … 1 */
  readonly share: number;
}

/** A thread's load since the last look. */
export interface Load {
  readonly thread: number;
  /** Part of the time in which it was busy. @limit 0 … 1 */
  readonly busy: number;
  /** How many actors have done something, of those that were looked at. */
  readonly actors: number;
  /** Biggest share first. */
  readonly candidates: readonly Candidate[];
}

export type MoveStep =
  /** Control → the actor's thread: let it go to that one. */
  | { readonly do: "leave"; readonly thread: number }
  /** Back: it cannot, now. */
  | { readonly do: "stay" }
  /** The actor's thread → all others: from now on its mail goes there. */
  | { readonly do: "reroute"; readonly thread: number; readonly from: number }
  /** Back: nothing more of this thread is on its way to the old place. */
  | { readonly do: "rerouted"; readonly by: number; readonly generation: number }
  /** To control: everybody has said so, in these generations of theirs. */
  | { readonly do: "ready"; readonly generations: readonly (readonly [number, number])[] }
  | { readonly do: "go" }
  /** To control, and from there to the new thread. */
  | { readonly do: "arrive"; readonly luggage: Luggage }
  /** Control → all: these are gone, and at home from now on. */
  | { readonly do: "vanish"; readonly paths: readonly string[]; readonly reason: ExitReason }
  | { readonly do: "vanished"; readonly by: number }
  /** Control → all: everybody knows of these ends. */
  | { readonly do: "home"; readonly paths: readonly string[] }
  /** Control → a lost thread's successor: who is not at home. */
  | { readonly do: "table"; readonly entries: readonly (readonly [string, Place])[] }
  /** Control → all: what is your load? */
  | { readonly do: "survey" }
  | { readonly do: "load"; readonly load: Load };

/** Where an actor lives that is not at home, and the move that has brought it there. */
export interface Place {
  readonly thread: number;
  readonly move: number;
}

/** One step of the move with this number; numbers rise, and one move is open at a time. */
export interface Move {
  readonly kind: "move";
  readonly to: string;
  readonly move: number;
  readonly step: MoveStep;
}
