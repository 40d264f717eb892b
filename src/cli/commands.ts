/**
 * Owns: the table of commands: what each takes and where it is. Files are loaded when their command
 * is called, so that `coppice --version` does not wait for a database.
 * Does not own: reading the arguments (arguments.ts), the help around the table (help.ts).
 */
import type { Command, Option } from "./arguments.ts";

const COMMON: Readonly<Record<string, Option>> = {
  json: { what: "answer, and errors on stderr, as JSON" },
  stack: { what: "show stack traces of errors (or set COPPICE_STACK=1)" },
  help: { what: "this help" },
};

const NODE: Readonly<Record<string, Option>> = {
  data: { what: "the node that runs on this data folder", value: "DIR" },
  pid: { what: "the node in this process", value: "PID" },
};

const act = (name: string, summary: string, notes: string): Command => ({
  name,
  summary,
  operands: ["PATH"],
  options: { ...NODE, ...COMMON },
  notes,
  load: async () => (await import("./act.ts")).act,
});

const answer = (name: string, summary: string): Command => ({
  name,
  summary,
  operands: ["KEY"],
  options: { why: { what: "a reason the actor can read", value: "TEXT" }, ...NODE, ...COMMON },
  notes: "coppice questions shows the keys.",
  load: async () => (await import("./approve.ts")).approve,
});

const WHICH = `Without --data or --pid: the only node of this user, or of several the only one that
was started in this folder.`;

export const COMMANDS: readonly Command[] = [
  {
    name: "run",
    summary: "start an app in the foreground",
    operands: ["APP"],
    options: {
      threads: { what: "scheduler threads; one a processor if not given", value: "N" },
      data: { what: "folder of the data; the app's own, or .coppice", value: "DIR" },
      log: { what: "silent, error, warn (if not given), info or debug", value: "LEVEL" },
      ...COMMON,
    },
    notes: `APP is a module whose default export is made by app().
Ctrl-C stops it in order, a second Ctrl-C at once. The exit status is 0 when the root ended by
itself without a failure, 130 after Ctrl-C, 143 after SIGTERM, else 1.`,
    load: async () => (await import("./run.ts")).run,
  },
  {
    name: "tree",
    summary: "draw the live supervision tree",
    operands: [],
    options: {
      all: { what: "all children of dynamic supervisors, not only the first 20" },
      ...NODE,
      ...COMMON,
    },
    notes: WHICH,
    load: async () => (await import("./tree.ts")).tree,
  },
  {
    name: "show",
    summary: "one actor or supervisor: state, mail, links, last exit, spec",
    operands: ["PATH"],
    options: { ...NODE, ...COMMON },
    notes: WHICH,
    load: async () => (await import("./show.ts")).show,
  },
  {
    name: "top",
    summary: "who is busy now",
    operands: [],
    options: {
      window: { what: "time between two looks; 1s if not given", value: "1s" },
      by: { what: "reductions (if not given), mailbox, handled or restarts", value: "WORD" },
      limit: { what: "rows shown; 20, or what fits the terminal", value: "N" },
      once: { what: "print one table after one window" },
      ...NODE,
      ...COMMON,
    },
    notes: "On a terminal it is refreshed in place: q or Ctrl-C quits.",
    load: async () => (await import("./top.ts")).top,
  },
  act("stop", "stop a process in order; its supervisor does not start it again", WHICH),
  act("restart", "stop a process in order and start it again", WHICH),
  act("suspend", "let an actor handle no messages until it is resumed", WHICH),
  act("resume", "let a suspended actor go on", WHICH),
  act("kill", "end a process at once; its supervisor decides what follows", WHICH),
  {
    name: "dead",
    summary: "dead letters: list, show, replay and drop them",
    operands: ["[PATH|show|replay|drop]", "[ID]"],
    options: {
      all: { what: "replay or drop all of them" },
      path: { what: "replay those to this actor", value: "PATH" },
      rate: { what: "replay at most so many a second; 100/s if not given", value: "N/s" },
      ...NODE,
      ...COMMON,
    },
    notes: `dead [PATH]                        what could not be handled, oldest first
dead show ID                       one in full
dead replay ID | --all | --path P  back into the mailbox, as if it had just come
dead drop ID | --all               for ever
${WHICH}`,
    load: async () => (await import("./dead.ts")).dead,
  },
  {
    name: "questions",
    summary: "what waits for a person: tool calls a policy asks about",
    operands: [],
    options: { ...NODE, ...COMMON },
    notes: WHICH,
    load: async () => (await import("./approve.ts")).questions,
  },
  answer("approve", "let a tool call run that waits for a person"),
  answer("deny", "refuse a tool call that waits for a person"),
  {
    name: "budget",
    summary: "quotas: what is spent, held and left; raise one",
    operands: ["[add]", "[PATH]"],
    options: {
      usd: { what: "add so many dollars", value: "N" },
      tokens: { what: "add so many tokens", value: "N" },
      "tool-calls": { what: "add so many tool calls", value: "N" },
      steps: { what: "add so many steps, of a supervisor's", value: "N" },
      reductions: { what: "add so many reductions, of a supervisor's", value: "N" },
      wall: { what: "add so much time, such as 30m", value: "TIME" },
      memory: { what: "add so much memory of sandboxes, such as 64mb", value: "SIZE" },
      why: { what: "a reason, for the record", value: "TEXT" },
      ...NODE,
      ...COMMON,
    },
    notes: `budget [PATH]                  all quotas, or those at and below PATH
budget add PATH --usd 5 …      raise limits that its quota has; kept in the record (coppice audit)
What is held is for calls under way, and may come back.
${WHICH}`,
    load: async () => (await import("./budget.ts")).budget,
  },
  {
    name: "audit",
    summary: "the record of decisions about tool calls; verify checks it only",
    operands: ["[verify]"],
    options: {
      data: { what: "the data folder; .coppice, or that of the node started here", value: "DIR" },
      limit: { what: "the last so many lines; 50 if not given", value: "N" },
      head: { what: "a hash you kept elsewhere: it must still be in the record", value: "HASH" },
      ...COMMON,
    },
    notes: `Reads the files, no node need run. The exit status is 1 when the chain is broken.`,
    load: async () => (await import("./audit.ts")).audit,
  },
  {
    name: "store",
    summary: "a data folder: what it holds, whether all of it can be read, give room back",
    operands: ["stat|verify|compact"],
    options: {
      data: { what: "the data folder; .coppice, or that of the node started here", value: "DIR" },
      ...COMMON,
    },
    notes: `stat and verify read one moment of the store, also beside a running node. verify looks at every
page and decodes every value; the exit status is 1 when something is wrong. compact writes the
file anew, which needs as much free disk again, and only when no node has the folder.`,
    load: async () => (await import("./store.ts")).store,
  },
  {
    name: "sim",
    summary: "random supervision trees under random work and faults, from a seed",
    operands: [],
    options: {},
    raw: true,
    load: async () => (await import("./sim.ts")).sim,
  },
  {
    name: "conformance",
    summary: "replay traces recorded from Erlang/OTP",
    operands: ["FILE…"],
    options: COMMON,
    notes: "The last line is `N passed, N failed`; the exit status is 1 when a trace failed.",
    load: async () => (await import("./conformance.ts")).conformance,
  },
  {
    name: "image",
    summary: "build, list and remove the guests that sandboxes run",
    operands: ["WORD…"],
    options: { others: { what: "prune: images of other versions of Coppice too" }, ...COMMON },
    notes: `coppice image build [node | python3 | sh]…   all three if none is named; each has a shell
coppice image list                            what there is, its size, and who uses it
coppice image remove NAME…                    of the list, or node, python3, sh; not what is in use
coppice image prune [--others]                what no version finds, and what dead processes left

They lie outside of the project, in $COPPICE_IMAGES, root's /var/cache/coppice or the user's cache.
They are built of the distribution's packages: the same packages and Node.js give the same bytes;
what was built of them is found, not built. Each version of Coppice finds its own.`,
    load: async () => (await import("./image.ts")).image,
  },
  {
    name: "nodes",
    summary: "the nodes of an app on one Redis: who holds what",
    operands: [],
    options: { ...NODE, ...COMMON },
    notes: WHICH,
    load: async () => (await import("./nodes.ts")).nodes,
  },
  {
    name: "doctor",
    summary: "what this host offers, which nodes run, what a Redis would lose",
    operands: [],
    options: {
      redis: { what: "a Redis to look at, as in redis({ url })", value: "URL" },
      cluster: { what: "it is a Redis Cluster" },
      ...COMMON,
    },
    notes: "The exit status is 1 when something is wrong that an app would be refused for.",
    load: async () => (await import("./doctor.ts")).doctor,
  },
];
