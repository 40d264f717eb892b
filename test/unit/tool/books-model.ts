// Books that nodes share as they should be: those of one node (Ledger), with what comes to it over a
// network: numbers of calls, nodes that are lost. The script of Redis is compared with it.

import { Packr } from "msgpackr";
import type { Account } from "../../../src/actor/accounts.ts";
import type { BooksRequest, Budget } from "../../../src/actor/books.ts";
import { Ledger } from "../../../src/tool/ledger.ts";

export const packr = new Packr({ useRecords: false, int64AsType: "number" });

type Word = BooksRequest | { readonly verb: "tick" | "leave" };

export const asAccounts = (named: readonly Pick<Account, "path" | "limits">[]): Account[] =>
  named.map((each) => ({ ...each, durable: true, spread: true }));

export class ModelBooks {
  readonly ledger = new Ledger();
  readonly #now: () => number;
  readonly #until = new Map<string, number>();
  readonly #holds = new Map<string, Set<string>>();
  readonly #lines = new Map<string, { number: number; said: readonly Buffer[] }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** As a connection to Redis. */
  readonly call = async (_lane: number, _script: unknown, _keys: string[], args: unknown[]) => {
    const [node, number, lifeMs, ...words] = args as [string, string, string, ...Buffer[]];
    const requests = words.map((each) => packr.unpack(each) as Word);
    return this.answer(node, Number(number), Number(lifeMs), requests) as Buffer[];
  };

  answer(node: string, number: number, lifeMs: number, requests: readonly Word[]) {
    const line = this.#lines.get(node);
    if (line?.number === number) return line.said;
    if ((line?.number ?? 0) > number) {
      throw Object.assign(new Error("STALE call"), { name: "ReplyError" });
    }
    this.#until.set(node, this.#now() + lifeMs);
    const said = requests.map((each) => packr.pack(this.#do(node, each)));
    this.#lines.set(node, { number, said });
    return said;
  }

  view(): Budget[] {
    const { ledger } = this;
    const all = ledger.paths.map((path) => ({ path, rows: ledger.view(path, this.#now()) }));
    return all.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #do(node: string, asked: Word): unknown {
    const { ledger } = this;
    const holds = this.#holds.get(node) ?? new Set();
    this.#holds.set(node, holds);
    switch (asked.verb) {
      case "hold": {
        const id = `${node} ${asked.id}`;
        const said = ledger.reserve(id, asAccounts(asked.accounts), asked.amounts, this.#now());
        if (said.refused !== null) return said;
        holds.add(id);
        const { near, left } = said;
        return left === null ? { near } : { near, left };
      }
      case "settle":
        if (holds.delete(`${node} ${asked.id}`)) ledger.settle(`${node} ${asked.id}`, asked.spent);
        return {};
      case "know":
        for (const each of asAccounts(asked.accounts)) ledger.know(each);
        return {};
      case "begin": {
        for (const each of asAccounts(asked.accounts)) ledger.begin(each, this.#now());
        const all = asked.accounts.map(({ path }) => ledger.timeLeft(path, this.#now()));
        return { left: all.filter((each) => each !== null) };
      }
      case "raise": {
        const none = ledger.raise(asked.path, asked.more);
        return none === null ? {} : { none };
      }
      case "tick":
        for (const [who, until] of this.#until) if (until <= this.#now()) this.#lose(who);
        return {};
      case "leave":
        return this.#lose(node);
      default:
        throw new Error(`no such verb: ${asked.verb}`);
    }
  }

  #lose(node: string): object {
    for (const id of this.#holds.get(node) ?? []) this.ledger.settle(id, null);
    this.#holds.delete(node);
    this.#until.delete(node);
    return {};
  }
}
