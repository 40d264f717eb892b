/**
 * Owns: what a thread knows of other nodes: which paths run there, and what goes there instead of
 * into a mailbox here. Mail for durable actors goes through the store, whose owner is told; the rest
 * goes to the node itself, at most once.
 * Does not own: who holds what (cluster.ts, store/redis-leases.ts), how it gets there (store/).
 */
import { type App, dynamicPaths, isDurable, visitSpecs } from "../actor/app.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Elsewhere, Envelope, Mail } from "../kernel/ports.ts";
import { encode } from "../store/codec.ts";
import { partitionOf, type Spread } from "../store/partition.ts";
import type { Question } from "../store/redis-away.ts";
import { type Names, pack } from "./wire.ts";

/** What each thread of a node among others is started with. */
export interface NodeData {
  /** Name of this node among the app's. */
  readonly node: string;
  readonly partitions: number;
  /** One byte per partition: 1 = its actors run here. Shared with the main thread, which writes. */
  readonly held: SharedArrayBuffer;
}

/** Where something goes: the holder of a partition, or a node by its name. */
export type Destination = number | string;

/** Sends a packed envelope to another node. @param question of somebody here, if it is one */
export type Forward = (to: Destination, envelope: Uint8Array, question: Question | null) => void;

export interface ElsewhereOptions {
  readonly app: App;
  readonly names: Names;
  readonly data: NodeData;
  readonly kernel: () => Kernel;
  readonly forward: Forward;
}

/** Kinds that concern an actor or supervisor as such, wherever it runs. */
const TRAVELS: ReadonlySet<Envelope["kind"]> = new Set(["mail", "call", "get_state"]);

/** "~N" is somebody outside, attached to thread N; "~N@node" is the same, seen from another node. */
const OUTSIDE = /^(~\d+)@(.*)$/;

/** What somebody of this node asks; who relays another node's question does not wait for it. */
function questionOf(envelope: Envelope, away: (path: string) => boolean): Question | null {
  if (!("ask" in envelope && "from" in envelope) || envelope.ask === 0) return null;
  const { to, from, ask } = envelope;
  return OUTSIDE.test(from) || away(from) ? null : { to, from, ask };
}

/** What goes to other nodes, from a thread of this one. */
export function elsewhereOf(options: ElsewhereOptions): Elsewhere {
  const { app, names, data, kernel, forward } = options;
  const held = new Uint8Array(data.held);
  const spread: Spread = { partitions: data.partitions, dynamic: dynamicPaths(app.root) };
  // Each node has these: they are not durable, and what they start is what the node holds.
  const everywhere = new Set<string>();
  visitSpecs(app.root, (spec, path) => {
    if (spec.kind === "supervisor" && !path.includes("*")) everywhere.add(path);
  });

  const has = (path: string): boolean =>
    path.startsWith("/") && !everywhere.has(path) && held[partitionOf(path, spread)] === 0;

  /** Whoever answers must find the way back. */
  const seenFromAfar = (from: string) => (/^~\d+$/.test(from) ? `${from}@${data.node}` : from);

  const send = (to: Destination, envelope: Envelope): boolean => {
    const afar = "from" in envelope ? { ...envelope, from: seenFromAfar(envelope.from) } : envelope;
    const { origin: _, next: __, ...plain } = afar as Mail;
    forward(to, encode(pack(plain as Envelope, names)), questionOf(envelope, has));
    return true;
  };

  const takeMail = (mail: Mail): boolean => {
    // The store has it, and has told its owner.
    if (mail.seq > 0) return true;
    if (!isDurable(app.root, mail.to)) return send(partitionOf(mail.to, spread), mail);
    const { origin: _, next: __, ...plain } = mail;
    kernel().committer.enqueue({ ...plain, from: seenFromAfar(mail.from) });
    return true;
  };

  /** A call about one child of a dynamic supervisor goes where that child runs. */
  const childOf = (envelope: Envelope): string | null => {
    if (envelope.kind !== "call" || !everywhere.has(envelope.to)) return null;
    const id = "id" in envelope.request ? envelope.request.id : undefined;
    return id === undefined ? null : `${envelope.to}/${id}`;
  };

  const take = (envelope: Envelope): boolean => {
    const { to } = envelope;
    if (to.startsWith("~")) {
      const [, outside, node] = OUTSIDE.exec(to) ?? [];
      if (outside === undefined || node === undefined) return false;
      if (node !== data.node) return send(node, envelope);
      kernel().send({ ...envelope, to: outside } as Envelope, null);
      return true;
    }
    if (envelope.kind === "reply") return has(to) && send(partitionOf(to, spread), envelope);
    // The store has told its node.
    if (envelope.kind === "nudge") return has(to);
    if (!TRAVELS.has(envelope.kind)) return false;
    const child = childOf(envelope);
    if (child !== null) return has(child) && send(partitionOf(child, spread), envelope);
    if (!has(to)) return false;
    return envelope.kind === "mail" ? takeMail(envelope) : send(partitionOf(to, spread), envelope);
  };
  return { has, take };
}
