/**
 * Owns: how states lie in a SQLite store: small ones whole, large ones as a whole and the patches
 * since, folded by the commit that crosses the line, never by a sweep. ADR 0018.
 * Does not own: what a patch is (delta.ts).
 * Invariant: what is remembered here is what the file holds; {@link States.clear} after a rollback.
 */
import { diff, patched } from "./delta.ts";
import type { Statements } from "./sqlite-statement.ts";
import { type Encoded, type EncodedCommit, SNAPSHOT_EVERY_MAX } from "./store.ts";

/** A state up to this size is always written whole: it fits its page. @unit bytes */
const WHOLE_BYTES = 4_096;
/** Patches may take this many times as much as what they change. */
const PATCHES_TIMES = 2;
/** Large states that are remembered, together; a forgotten one is read before it is patched. */
const REMEMBERED_BYTES = 32 * 1_024 * 1_024;

/** What an actor's row says of its state. */
export interface StateOwner {
  readonly id: number;
  /** There are patches, or there were. */
  patched: boolean;
}

interface Remembered {
  readonly body: Encoded;
  /** Of the oldest form. @unit bytes */
  readonly base: number;
  readonly patches: number;
  readonly patchBytes: number;
}

/** The states of one open store. */
export class States {
  /** Bytes of states and patches written since the store was opened. */
  written = 0;
  readonly #sql: Statements;
  /** Least recently written first. */
  readonly #bodies = new Map<number, Remembered>();
  #bytes = 0;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  write(
    owner: StateOwner,
    {
      version,
      snapshotEvery = SNAPSHOT_EVERY_MAX,
    }: Pick<EncodedCommit, "version" | "snapshotEvery">,
    body: Encoded,
  ): void {
    if (body.length <= WHOLE_BYTES || snapshotEvery === 1)
      return this.#writeWhole(owner, version, body);
    const known = this.#bodies.get(owner.id) ?? this.#read(owner);
    const patch = known && diff(known.body, body);
    const patches = (known?.patches ?? 0) + 1;
    const patchBytes = (known?.patchBytes ?? 0) + (patch?.length ?? 0);
    if (known && patch && patches < snapshotEvery && patchBytes <= known.base * PATCHES_TIMES) {
      this.#sql.run("addPatch", owner.id, patches, version, patch);
      this.written += patch.length;
      owner.patched = true;
      this.#remember(owner.id, { body, base: known.base, patches, patchBytes });
    } else {
      this.#writeWhole(owner, version, body);
      this.#remember(owner.id, { body, base: body.length, patches: 0, patchBytes: 0 });
    }
  }

  /** The newest form, and its version, of a state whose oldest form is `body`. */
  newest(
    { id, patched: hasPatches }: StateOwner,
    version: number,
    body: Encoded,
  ): { version: number; state: Encoded } {
    if (!hasPatches) return { version, state: body };
    const rows = this.#sql.all<{ version: number; body: Encoded }>("readPatches", id);
    if (rows.length === 0) return { version, state: body };
    const state = patched(
      body,
      rows.map((each) => each.body),
    );
    return { version: rows.at(-1)?.version as number, state };
  }

  drop(owner: StateOwner): void {
    this.#sql.run("dropState", owner.id);
    if (owner.patched) this.#sql.run("dropPatches", owner.id);
    owner.patched = false;
    this.#forget(owner.id);
  }

  /** Remembers nothing any more. */
  clear(): void {
    this.#bodies.clear();
    this.#bytes = 0;
  }

  #writeWhole(owner: StateOwner, version: number, body: Encoded): void {
    if (owner.patched) {
      this.#sql.run("dropPatches", owner.id);
      owner.patched = false;
    }
    this.#sql.run("setState", owner.id, version, body);
    this.written += body.length;
    if (this.#bodies.size > 0) this.#forget(owner.id);
  }

  #read(owner: StateOwner): Remembered | undefined {
    const { id } = owner;
    const row = this.#sql.get<{ version: number; body: Encoded }>("readState", id);
    if (row === undefined || row.body.length <= WHOLE_BYTES) return undefined;
    const sums = this.#sql.get<{ patches: number; bytes: number }>("sumPatches", id);
    const { state: body } = this.newest(owner, row.version, row.body);
    const { patches = 0, bytes: patchBytes = 0 } = sums ?? {};
    return { body, base: row.body.length, patches, patchBytes };
  }

  #remember(id: number, state: Remembered): void {
    this.#forget(id);
    const { body } = state;
    // What came as a small part of its batch must not keep all of that.
    const isSmallPart = 2 * body.length < body.buffer.byteLength;
    this.#bodies.set(id, isSmallPart ? { ...state, body: new Uint8Array(body) } : state);
    this.#bytes += state.body.length;
    for (const oldest of this.#bodies.keys()) {
      if (this.#bytes <= REMEMBERED_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forget(id: number): void {
    const known = this.#bodies.get(id);
    if (known === undefined) return;
    this.#bodies.delete(id);
    this.#bytes -= known.body.length;
  }
}
