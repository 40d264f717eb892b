// Nodes with desks that share their books over a bad network: calls and answers get lost, come twice
// and late; nodes crash. Whoever may spend, spends the most.

import type { Account } from "../../../src/actor/accounts.ts";
import type { Amounts, Budget } from "../../../src/actor/books.ts";
import { RedisBooks } from "../../../src/store/redis-books.ts";
import type { RedisConnections } from "../../../src/store/redis-connect.ts";
import { type Admission, Desk } from "../../../src/tool/desk.ts";

export interface Wire {
  readonly connections: Pick<RedisConnections, "call" | "client">;
  /** What is in the books, past the bad network. */
  view(): Promise<readonly Budget[]>;
}

export interface WorldOptions {
  readonly wire: Wire;
  readonly random: () => number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly leaseMs: number;
  readonly prefix?: string;
}

const soft = { at: 0.5, tell: "budget" };
export const account = (
  path: string,
  limits: Partial<Account["limits"]>,
  spread = true,
): Account => ({
  path,
  limits: { soft, ...limits },
  durable: spread,
  spread,
});

export const FIRM = account("/firm", { microUsd: 20_000, toolCalls: 5_000 });
export const CREWS = [
  account("/firm/a", { microUsd: 9_000, tokens: 600 }),
  account("/firm/b", { microUsd: 15_000, memoryBytes: 500 }),
];

interface Node {
  readonly name: string;
  readonly desk: Desk;
  readonly books: RedisBooks;
  /** Its threads. */
  readonly owners: readonly object[];
  alive: boolean;
}

interface Call {
  readonly id: string;
  readonly node: Node;
  readonly owner: object;
  readonly accounts: readonly Account[];
  readonly most: Amounts;
  state: "waiting" | "running" | "over";
  /** What it did spend, once it is over. */
  spent: Amounts;
}

const NOTHING: Amounts = {};

export class BooksWorld {
  readonly calls: Call[] = [];
  readonly said = { go: 0, quota: 0, away: 0, no: 0 };
  readonly near: string[] = [];
  readonly #options: WorldOptions;
  readonly #nodes: Node[] = [];
  /** Nothing gets through. */
  away = false;
  #names = 0;

  constructor(options: WorldOptions, nodes: number) {
    this.#options = options;
    for (let n = 0; n < nodes; n++) this.#nodes.push(this.#node());
  }

  #node(): Node {
    const { wire, leaseMs, now, sleep, prefix = "world" } = this.#options;
    const name = `n${++this.#names}`;
    const { client } = wire.connections;
    const connections = { client, call: this.#unreliable(() => node) };
    const books = new RedisBooks({ prefix, node: name, leaseMs, connections, troubled: () => {} });
    const common = {
      ask(request: never, done: (answer: never) => void) {
        void books.ask(request).then((answer) => node.alive && done(answer as never));
      },
    };
    const after = (ms: number, fire: () => void) => void sleep(ms).then(() => node.alive && fire());
    const desk = new Desk({ now, after, keep: () => false, common: common as never });
    const node: Node = { name, desk, books, owners: [{}, {}], alive: true };
    desk.know([FIRM, ...CREWS]);
    return node;
  }

  #unreliable(owner: () => Node): RedisConnections["call"] {
    const { wire, random, sleep } = this.#options;
    return async (...asked) => {
      const again = () =>
        void sleep(random() * 4_000)
          .then(() => wire.connections.call(...asked))
          .catch(() => {});
      const luck = random();
      if (this.away) throw new Error("nobody there");
      if (luck < 0.1) throw new Error("lost on the way");
      if (luck < 0.15) {
        again();
        throw new Error("held up on the way");
      }
      const said = await wire.connections.call(...asked);
      if (luck < 0.25) throw new Error("the answer is lost");
      if (luck < 0.3) again();
      await sleep(random() * 20);
      if (!owner().alive) throw new Error("nobody listens");
      return said;
    };
  }

  /** One thing happens. */
  step(): void {
    const { random } = this.#options;
    const one = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];
    const node = one(this.#nodes) as Node;
    const luck = random();
    if (luck < 0.5) this.#enter(node, one(node.owners) as object, one(CREWS) as Account);
    else if (luck < 0.93) {
      const call = one(this.calls.filter(({ state }) => state === "running"));
      if (call !== undefined) this.#end(call, random() < 0.15);
    } else if (luck < 0.96) {
      const call = one(this.calls.filter(({ state }) => state === "waiting"));
      if (call === undefined) return;
      call.state = "over";
      call.node.desk.withdraw(call.id);
    } else if (luck < 0.98) this.#loseThread(node, one(node.owners) as object);
    else if (luck < 0.985) this.crash(node);
  }

  #enter(node: Node, owner: object, crew: Account): void {
    const { random } = this.#options;
    const most = {
      microUsd: Math.floor(random() * 200),
      tokens: Math.floor(random() * 5),
      toolCalls: 1,
      memoryBytes: Math.floor(random() * 60),
    };
    const id = `c${this.calls.length}`;
    const own = account(`${crew.path}/x`, { toolCalls: 2_000 }, false);
    const accounts = [FIRM, crew, own];
    const call: Call = { id, node, owner, accounts, most, state: "waiting", spent: NOTHING };
    this.calls.push(call);
    const entry = { id, tool: "t", limits: null, accounts, amounts: most };
    node.desk.enter(entry, owner, (admission) => this.#heard(call, admission));
  }

  #heard(call: Call, admission: Admission): void {
    if (call.state !== "waiting") throw new Error(`${call.id} was given up, and is told`);
    this.said[admission.say]++;
    call.state = admission.say === "go" ? "running" : "over";
    if (admission.say !== "go") return;
    for (const { path, resource } of admission.near) this.near.push(`${path} ${resource}`);
  }

  #end(call: Call, isUnknown: boolean): void {
    const part = this.#options.random();
    call.state = "over";
    call.spent = call.most;
    if (isUnknown) return call.node.desk.settle(call.id, { ok: false, spent: null });
    const { microUsd = 0, tokens = 0 } = call.most;
    const spent = { microUsd: Math.floor(microUsd * part), tokens: Math.floor(tokens * part) };
    call.spent = { ...spent, toolCalls: 1 };
    call.node.desk.settle(call.id, { ok: true, spent: call.spent });
  }

  #loseThread(node: Node, owner: object): void {
    for (const call of this.calls) {
      if (call.owner !== owner || call.state === "over") continue;
      if (call.state === "running") call.spent = call.most;
      call.state = "over";
    }
    node.desk.lost(owner);
  }

  /** Without a word; another one takes its place. */
  crash(node = this.#nodes[0] as Node): void {
    for (const owner of node.owners) {
      for (const call of this.calls) {
        if (call.owner !== owner || call.state === "over") continue;
        if (call.state === "running") call.spent = call.most;
        call.state = "over";
      }
    }
    node.alive = false;
    node.books.abandon();
    this.#nodes[this.#nodes.indexOf(node)] = this.#node();
  }

  /** What may have been spent under an account: of calls that run, the most. */
  spent(path: string, resource: "microUsd" | "tokens"): number {
    return this.calls.reduce((sum, { accounts, most, spent, state }) => {
      if (!accounts.some((each) => each.path === path)) return sum;
      return sum + ((state === "running" ? most : spent)[resource] ?? 0);
    }, 0);
  }

  /** The most that the books may say: who was lost is counted in full, also what has not begun. */
  atMost(path: string, resource: "microUsd" | "tokens"): number {
    return this.calls.reduce((sum, { accounts, most, spent, node }) => {
      if (!accounts.some((each) => each.path === path)) return sum;
      return sum + ((node.alive ? spent : most)[resource] ?? 0);
    }, 0);
  }

  /** Limits that are passed, in words. */
  passed(): string[] {
    return [FIRM, ...CREWS].flatMap(({ path, limits }) =>
      (["microUsd", "tokens"] as const).flatMap((resource) => {
        const limit = limits[resource] ?? Number.POSITIVE_INFINITY;
        const spent = this.spent(path, resource);
        return spent > limit ? [`${path}: ${spent} ${resource} of ${limit}`] : [];
      }),
    );
  }

  /** Everything that runs ends, and all that is lost is found to be. */
  async calm(): Promise<void> {
    this.away = false;
    // A call that is granted now would be left running.
    for (let round = 0; round < 100; round++) {
      for (const call of this.calls) if (call.state === "running") this.#end(call, false);
      await this.#options.sleep(this.#options.leaseMs / 20);
      const open = this.calls.some(({ state }) => state !== "over");
      if (!open && round > 60) return;
    }
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) {
      node.alive = false;
      node.books.abandon();
    }
  }

  view(): Promise<readonly Budget[]> {
    return this.#options.wire.view();
  }
}
