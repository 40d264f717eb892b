/**
 * Owns: this node among others of its app: which partitions run here, and that the tree follows when
 * that changes. On the main thread.
 * Does not own: leases (store/redis-leases.ts), what a thread makes of them (elsewhere.ts).
 */
import { type App, visitSpecs } from "../actor/app.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Answer, Envelope } from "../kernel/ports.ts";
import { type ClusterView, clusterView } from "../observe/view.ts";
import { decode } from "../store/codec.ts";
import type { Member } from "../store/redis-leases.ts";
import type { StoreNews } from "../store/redis-open.ts";
import { Abroad } from "./abroad.ts";
import type { NodeData } from "./elsewhere.ts";
import { type Names, namesOf, unpack } from "./wire.ts";

export type Say = (level: "info" | "warn", message: string, fields?: unknown) => void;

/** What the store's thread hears from the cluster. */
export interface ClusterStore {
  /** What is weaker than it might seem. */
  readonly weak: readonly string[];
  /** The tree runs: this node may take its share. `joined` is the answer. */
  join(): void;
  /** Nothing of this node runs there any more. */
  left(partition: number): void;
}

/** A node's view of the cluster. */
export class Cluster {
  readonly data: NodeData;
  members: readonly Member[] = [];
  readonly #held: Uint8Array;
  readonly #supervisors: string[] = [];
  readonly #names: Names;
  readonly #say: Say;
  readonly #store: ClusterStore;
  readonly #abroad = new Abroad();
  #kernel: Kernel | null = null;
  readonly #weak: readonly string[];
  #trouble: ClusterView["trouble"] = null;
  #changed = false;
  readonly #attended = Promise.withResolvers<void>();
  readonly #joined = Promise.withResolvers<void>();
  /** What the tree follows now, and what it will follow then. */
  #under: Promise<void> = this.#attended.promise;
  #next: Promise<void> | null = null;
  readonly #waiting: StoreNews[] = [];

  constructor(app: App, node: string, partitions: number, store: ClusterStore, say: Say) {
    this.#weak = store.weak;
    this.data = { node, partitions, held: new SharedArrayBuffer(partitions) };
    this.#held = new Uint8Array(this.data.held);
    this.#names = namesOf(app);
    this.#store = store;
    this.#say = say;
    visitSpecs(app.root, (spec, path) => {
      if (spec.kind === "supervisor" && !path.includes("*")) this.#supervisors.push(path);
    });
  }

  /** For people who look. */
  view(): ClusterView {
    const { node, partitions } = this.data;
    const members = this.members.flatMap(({ node, facts }) => {
      const said = clusterView.shape.members.element.safeParse({ node, ...JSON.parse(facts) });
      return said.success ? [said.data] : [];
    });
    const trouble = this.#trouble;
    return { node, partitions, held: this.held, members, weak: [...this.#weak], trouble };
  }

  /** Partitions whose actors run here. */
  get held(): number[] {
    return [...this.#held.keys()].filter((partition) => this.#held[partition] === 1);
  }

  /** The tree begins with what is held now; what changes from here on it must follow. */
  begin(): void {
    this.#changed = false;
  }

  /** The tree has started: it follows from now on. Resolves when this node's share runs. */
  async attend(kernel: Kernel): Promise<void> {
    this.#kernel = kernel;
    if (this.#changed) void this.#follow();
    this.#attended.resolve();
    for (const news of this.#waiting.splice(0)) this.hear(news);
    this.#store.join();
    await this.#joined.promise;
    await this.#next;
    await this.#under;
  }

  /** What the store's thread says. */
  hear(news: StoreNews): void {
    switch (news.kind) {
      case "members":
        this.members = news.members;
        return this.#answer(this.#abroad.members(news.members.map(({ node }) => node)));
      case "asked":
        return this.#answer(this.#abroad.asked(news));
      case "joined":
        return this.#joined.resolve();
      case "trouble":
        this.#trouble = { why: news.why, at: new Date().toISOString() };
        return this.#say("warn", `Redis: ${news.why}; calls are made again`);
      case "taken":
      case "leaving":
      case "lost":
        return this.#change(news.kind, news.partition, news.why);
    }
    const kernel = this.#kernel;
    if (kernel === null) return void this.#waiting.push(news);
    if (news.kind === "nudged") {
      for (const to of news.paths) kernel.deliver({ kind: "nudge", to });
    } else {
      const envelope = this.#here(unpack(decode(news.envelope) as Envelope, this.#names));
      if (envelope.kind === "reply") this.#abroad.answered(envelope);
      kernel.deliver(envelope);
    }
  }

  /** Who waits for a node that is gone is told so. */
  #answer(replies: readonly Envelope[]): void {
    for (const reply of replies) this.#kernel?.deliver(reply);
  }

  #change(kind: "taken" | "leaving" | "lost", partition: number, why: string): void {
    this.#held[partition] = kind === "taken" ? 1 : 0;
    this.#changed = true;
    if (kind === "lost") this.#say("warn", `partition ${partition} is lost: ${why}`);
    if (kind !== "taken") void this.#follow().then(() => this.#store.left(partition));
    else if (this.#kernel !== null) void this.#follow();
  }

  /** Changes that come while the tree follows earlier ones are followed together. */
  #follow(): Promise<void> {
    this.#next ??= this.#under.then(() => {
      this.#next = null;
      this.#under = this.#rehome(this.#kernel as Kernel);
      return this.#under;
    });
    return this.#next;
  }

  /** "~N@node" is "~N" here. */
  #here(envelope: Envelope): Envelope {
    const own = `@${this.data.node}`;
    const isOurs = envelope.to.startsWith("~") && envelope.to.endsWith(own);
    return isOurs ? ({ ...envelope, to: envelope.to.slice(0, -own.length) } as Envelope) : envelope;
  }

  /** Each supervisor, from the root down, stops what runs elsewhere and starts what runs here. */
  async #rehome(kernel: Kernel): Promise<void> {
    for (const path of this.#supervisors) {
      const answer = await new Promise<Answer>((done) => {
        kernel.call(path, { op: "rehome" }, Number.POSITIVE_INFINITY, done);
      });
      if (!answer.ok) this.#say("warn", `${path} did not follow: ${answer.message}`);
    }
  }
}
