/**
 * Owns: which programs there are, what one operation of each is, how many are run, and which peers
 * have the program. Does not own: those of durability (catalogue-durable.ts), the programs themselves
 * (bench/<peer>/<program>.ts), targets (targets.ts).
 */
import { DURABLE } from "./catalogue-durable.ts";

export const PEERS = [
  ...(["coppice", "raw", "nact", "xstate", "beam1", "beam2", "beam1-sup"] as const),
  ...(["bullmq", "restate", "dbos", "coppice-bare"] as const),
] as const;
export type Peer = (typeof PEERS)[number];

export interface Program {
  readonly name: string;
  /** What one operation is. */
  readonly unit: string;
  readonly about: string;
  /**
   * Operations of one run. `fixed`: the number is part of the program (how many messages wait, how
   * many actors there are). Otherwise each peer runs as many as fill {@link RUN_SECONDS}.
   */
  readonly n: number;
  readonly fixed?: true;
  /** Operations of the only run of --quick. */
  readonly quick: number;
  readonly peers: readonly Peer[];
  /** Operations of one run of peers that would take too long for as many. */
  readonly fewer?: Partial<Record<Peer, number>>;
  /** It needs a Redis server with this `appendfsync`. */
  readonly redis?: "everysec" | "always";
  /** Scheduler threads of coppice. @default 1 */
  readonly threads?: number;
  /** Runs that count, where a run takes long and its figures hardly differ. @default --runs */
  readonly runs?: number;
  /** It takes medians of its own, which need no run before the one that counts. */
  readonly cold?: true;
  /** A file of bench/ that runs in the peer's process without a node; its result is the outcome. */
  readonly module?: string;
  /** It needs the guest images of the sandboxes. */
  readonly images?: true;
  /** Actors of coppice end uncleanly, and are meant to. */
  readonly crashes?: true;
  /** Only run when named. */
  readonly onDemand?: true;
}

/** A run that is not of fixed size lasts about this long. @unit s */
export const RUN_SECONDS = 0.4;

const JS: readonly Peer[] = ["coppice", "raw", "nact", "xstate"];
const BEAM: readonly Peer[] = ["beam1", "beam2"];
const ALL: readonly Peer[] = [...JS, ...BEAM];

export const PROGRAMS: readonly Program[] = [
  {
    name: "pingpong",
    unit: "message",
    about: "two actors send one message back and forth",
    n: 100_000,
    quick: 20_000,
    peers: ALL,
  },
  {
    name: "threadring",
    unit: "hop",
    about: "one token goes around a ring of 100 actors",
    n: 100_000,
    quick: 20_000,
    peers: ALL,
  },
  {
    name: "count",
    unit: "message",
    about: "one actor is told to add one, n times in one go, then asked for the sum",
    n: 1_000_000,
    fixed: true,
    quick: 20_000,
    peers: ALL,
  },
  {
    name: "fjthrput",
    unit: "message",
    about: "n messages dealt out to 60 actors in one go",
    n: 1_200_000,
    fixed: true,
    quick: 24_000,
    peers: ALL,
  },
  {
    name: "fjcreate",
    unit: "actor",
    about: "n times: an actor is started, gets one message and ends",
    n: 10_000,
    quick: 2_000,
    peers: [...ALL, "beam1-sup"],
  },
  {
    name: "big",
    unit: "message",
    about: "120 actors, each in turn pings another one at random and waits for its pong",
    n: 120_000,
    quick: 12_000,
    peers: ALL,
  },
  {
    name: "chameneos",
    unit: "meeting",
    about: "100 actors meet in pairs in a mall and change colours",
    n: 50_000,
    quick: 5_000,
    peers: ALL,
  },
  {
    name: "concdict",
    unit: "request",
    about: "20 actors read and write one dictionary, each after its answer",
    n: 50_000,
    quick: 5_000,
    peers: ALL,
  },
  {
    name: "fib",
    unit: "actor",
    about: "the doubly recursive function with an actor for each call",
    n: 92_735,
    fixed: true,
    quick: 1_973,
    peers: ALL,
  },
  {
    name: "bang",
    unit: "message",
    about: "50 senders, each n/50 messages in one go, to one receiver",
    n: 1_000_000,
    fixed: true,
    quick: 20_000,
    peers: ALL,
  },
  {
    name: "ask",
    unit: "call",
    about: "one call after the other, each answer awaited (BEAM: gen_server:call)",
    n: 50_000,
    quick: 5_000,
    peers: ALL,
  },
  {
    name: "pingpong2",
    unit: "message",
    about: "pingpong across two threads",
    n: 4_000,
    quick: 2_000,
    peers: ["coppice", "raw", "beam2"],
    threads: 2,
  },
  {
    name: "bang2",
    unit: "message",
    about: "one way across two threads, small messages",
    n: 1_000_000,
    fixed: true,
    quick: 20_000,
    peers: ["coppice", "raw", "beam2"],
    threads: 2,
  },
  {
    name: "bang2-100",
    unit: "message",
    about: "one way across two threads, messages of about 100 bytes",
    n: 500_000,
    fixed: true,
    quick: 10_000,
    peers: ["coppice", "raw", "beam2"],
    threads: 2,
  },
  {
    name: "ask2",
    unit: "call",
    about: "one call after the other across two threads, each timed",
    n: 4_000,
    quick: 1_000,
    peers: ["coppice", "raw", "beam2"],
    threads: 2,
  },
  {
    name: "restart",
    crashes: true,
    unit: "restart",
    about: "a child throws an Error and is restarted, one after the other",
    n: 10_000,
    quick: 500,
    peers: ["coppice", "raw", "nact", ...BEAM, "beam1-sup"],
  },
  {
    name: "restart-exit",
    crashes: true,
    unit: "restart",
    about: "the same, when the child ends with a reason that is no Error (BEAM: exit/1)",
    n: 10_000,
    quick: 500,
    peers: ["coppice", "raw", ...BEAM, "beam1-sup"],
  },
  {
    name: "memory",
    unit: "start",
    about: "heap of an idle actor, never used and used once, 100,000 of them",
    n: 100_000,
    fixed: true,
    quick: 2_000,
    peers: [...JS, "beam1"],
  },
  {
    name: "memory1m",
    unit: "start",
    about: "the same with a million of them",
    n: 1_000_000,
    fixed: true,
    quick: 2_000,
    peers: ["coppice", "raw", "beam1"],
    runs: 1,
  },
  {
    name: "idle",
    unit: "actor",
    about: "CPU of a node with 10,000 idle actors and 1,000 timers",
    n: 10_000,
    fixed: true,
    quick: 100,
    peers: ["coppice", "beam1"],
  },
  {
    name: "fair-async",
    unit: "message",
    about: "200 quiet actors beside a hog in an async handler, which yields",
    n: 4_000,
    fixed: true,
    quick: 400,
    peers: ["coppice"],
  },
  {
    name: "fair-below",
    unit: "message",
    about: "the same beside a hog that holds the thread for 90 of its 100 ms",
    n: 4_000,
    fixed: true,
    quick: 400,
    peers: ["coppice"],
  },
  {
    name: "fair-above",
    crashes: true,
    unit: "message",
    about: "the same beside a hog that hangs, is aborted and restarted",
    n: 4_000,
    fixed: true,
    quick: 400,
    peers: ["coppice"],
    onDemand: true,
  },
  {
    name: "abort",
    crashes: true,
    unit: "abort",
    about: "an actor hangs: time beyond its slice until its neighbour runs again",
    n: 100,
    fixed: true,
    quick: 5,
    peers: ["coppice"],
    onDemand: true,
  },
  ...DURABLE,
  {
    name: "tools",
    unit: "call",
    about: "between an actor and its tool: a policy of 1,000 rules, the broker, circles, quotas",
    n: 5_000,
    fixed: true,
    quick: 200,
    peers: ["coppice"],
    module: "tools.ts",
  },
  {
    name: "sandbox",
    unit: "call",
    about:
      "machines from nothing, a template and the pool; tiers, peers and child processes beside",
    n: 15,
    fixed: true,
    quick: 1,
    peers: ["coppice"],
    runs: 1,
    cold: true,
    module: "sandboxes.ts",
    images: true,
  },
  {
    name: "micro",
    unit: "part",
    about: "single parts of the runtime, without a node, in nanoseconds each",
    n: 200,
    fixed: true,
    quick: 20,
    peers: ["coppice"],
    module: "micro.ts",
  },
  {
    name: "meter",
    unit: "program",
    about: "what counting reductions adds to CPU-bound and to agent-like code",
    n: 15,
    fixed: true,
    quick: 1,
    peers: ["coppice"],
    runs: 1,
    module: "metering.ts",
  },
];

export function programOf(name: string): Program {
  const found = PROGRAMS.find((program) => program.name === name);
  if (found === undefined) throw new Error(`no program ${JSON.stringify(name)}`);
  return found;
}
