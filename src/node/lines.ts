/**
 * Owns: lines to a thread: from the others, and from what the control thread keeps for tool calls.
 * Does not own: what goes over them (pool-link.ts, sandbox-link.ts, desk-link.ts).
 */
import { MessageChannel } from "node:worker_threads";
import type { ThreadData, ToThread } from "./messages.ts";
import type { Thread } from "./thread.ts";

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

/** A line to a thread, for that one. */
export function connect(to: Thread, thread: number, port: MessageChannel["port1"]): void {
  const message: ToThread = { kind: "peer", thread, port };
  to.post(message, [port as never]);
}
