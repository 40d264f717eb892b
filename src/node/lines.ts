/**
 * Owns: lines to a thread: from the others, and from what the control thread keeps for tool calls;
 * the memory that it shares with who watches it.
 * Does not own: what goes over them (pool-link.ts, sandbox-link.ts, desk-link.ts).
 */
import { MessageChannel } from "node:worker_threads";
import { CELLS, LIVES } from "../kernel/guard.ts";
import type { ThreadData, ToThread } from "./messages.ts";
import type { Thread } from "./thread.ts";
import type { LineEnd } from "./transport.ts";

const NAMES = ["pool", "sandbox", "desk"] as const;

type Ports = Pick<ThreadData, (typeof NAMES)[number]>;

/** New lines: the ends of a thread, and how the control thread gets the others. */
export function toolLines() {
  const made = NAMES.map((name) => [name, new MessageChannel()] as const);
  return {
    ports: Object.fromEntries(made.map(([name, line]) => [name, line.port1])) as unknown as Ports,
    connect(control: { post(message: ToThread, transfer: readonly never[]): void } | undefined) {
      for (const [kind, { port2: port }] of made) control?.post({ kind, port }, [port as never]);
    },
  };
}

/** A counter that two threads share: a cache line of its own, or each would slow down the other. */
const counter = () => new Int32Array(new SharedArrayBuffer(128));

/** The two ends of a new line between two threads. */
export function lineEnds(): [LineEnd, LineEnd] {
  const { port1, port2 } = new MessageChannel();
  const [first, second] = [counter(), counter()];
  return [
    { port: port1, ours: first, theirs: second },
    { port: port2, ours: second, theirs: first },
  ];
}

/** A line to a thread, for that one. */
export function connect(to: Thread, thread: number, end: LineEnd): void {
  const message: ToThread = { kind: "peer", thread, end };
  to.post(message, [end.port as never]);
}

/** Memory to share with a new thread. The lives it gives out are later than its predecessor's. */
export function cellsAfter(before: SharedArrayBuffer | undefined): SharedArrayBuffer {
  const cells = new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
  if (before !== undefined) cells[LIVES] = new Int32Array(before)[LIVES] as number;
  return cells.buffer as SharedArrayBuffer;
}

/** The control thread watches a thread from the moment it is up. */
export function watch(made: Thread, control: Thread | undefined): void {
  const { thread, generation, cells } = made.data;
  const { port1, port2 } = new MessageChannel();
  made.post({ kind: "watched", port: port2 }, [port2 as never]);
  const message = { thread, generation, cells, endable: made.endable, port: port1 };
  control?.post({ kind: "watch", ...message }, [port1 as never]);
}
