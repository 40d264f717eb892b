/**
 * Owns: the prepared statements of one open store, by name.
 * Does not own: their text (sqlite-schema.ts).
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { STATEMENTS } from "./sqlite-schema.ts";

type Name = keyof typeof STATEMENTS;
export type Value = string | number | null | Uint8Array;

/** Each statement is compiled at its first use. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<Name, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** (`get` steps as `run` does, and makes no object of counts that nobody reads.) */
  run(name: Name, ...values: Value[]): void {
    this.#statement(name).get(...values);
  }

  get<Row>(name: Name, ...values: Value[]): Row | undefined {
    return this.#statement(name).get(...values) as Row | undefined;
  }

  all<Row>(name: Name, ...values: Value[]): Row[] {
    return this.#statement(name).all(...values) as Row[];
  }

  #statement(name: Name): StatementSync {
    let found = this.#prepared.get(name);
    if (found === undefined) {
      found = this.#db.prepare(STATEMENTS[name]);
      this.#prepared.set(name, found);
    }
    return found;
  }
}
