/**
 * Owns: the rules of store.ts on SQLite: one batch is one transaction.
 * Does not own: the file and its owner (sqlite-file.ts), the tables (sqlite-schema.ts), which
 * batches share a transaction (sqlite-writer.ts).
 * Invariants: K11 an older life changes nothing; a mail number is given once in the life of a file;
 * the answers are those of memory.ts, one for one.
 */
import type { DatabaseSync } from "node:sqlite";
import { crashPoint } from "./crash-point.ts";
import { due, list, page } from "./sqlite-children.ts";
import { bury, letterOp } from "./sqlite-dead.ts";
import { storeFault } from "./sqlite-fault.ts";
import { type OpenFile, openFile, type SqliteOptions } from "./sqlite-file.ts";
import { count, type Known, keepJournal } from "./sqlite-journal.ts";
import { Mailboxes } from "./sqlite-mail.ts";
import { parentOf, STATEMENTS } from "./sqlite-schema.ts";
import { keepAnswers, see } from "./sqlite-seen.ts";
import { shrinker } from "./sqlite-space.ts";
import { States } from "./sqlite-state.ts";
import { Statements } from "./sqlite-statement.ts";
import { readTimers, setTimers, takeTimer } from "./sqlite-timer.ts";
import {
  type Encoded,
  type EncodedCommit,
  type EncodedMail,
  type EncodedStamp,
  type EncodedStep,
  type Engine,
  forgotten,
  type StoreAnswer,
  type StoredMail,
  type StoreOp,
} from "./store.ts";

/** Most actors whose row is remembered, so that a commit need not look it up. */
const KNOWN_MAX = 16_384;

interface ActorRow {
  behaviour: string;
  version: number;
  args: Encoded;
  state: Encoded;
  seq: number | null;
  effects: number | null;
}

/**
 * Opens the store of a folder, and makes it when there is none.
 *
 * @throws ActorError E_NODE_RUNNING E_STORE_CORRUPT E_STORE_VERSION E_STORE_IO
 */
export function openSqlite(folder: string, options: SqliteOptions): SqliteEngine {
  const open = openFile(folder, options);
  try {
    return new SqliteEngine(open, options.readOnly ?? false);
  } catch (thrown) {
    open.release();
    throw storeFault(thrown, open.file);
  }
}

/** An open store. Use {@link openSqlite}. */
export class SqliteEngine implements Engine {
  /** Number of this ownership: higher than that of any owner before. */
  readonly epoch: number;
  readonly #open: OpenFile;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #states: States;
  readonly #mail: Mailboxes;
  readonly #shrink: () => void;
  readonly #readOnly: boolean;
  /** There is no other writer, so what was read once stays true until this one changes it. */
  readonly #known = new Map<string, Known>();
  /** Highest mail number given out. */
  #seq: number;
  #closed = false;

  constructor(open: OpenFile, readOnly: boolean) {
    this.#open = open;
    this.#db = open.db;
    this.#sql = new Statements(open.db);
    this.#states = new States(this.#sql);
    this.#mail = new Mailboxes(this.#sql);
    this.#shrink = shrinker(open.db);
    this.#readOnly = readOnly;
    this.epoch = open.epoch;
    this.#seq = this.#readSeq();
  }

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    if (ops.length === 0) return [];
    const before = this.#seq;
    try {
      this.#db.exec(this.#readOnly ? "BEGIN" : STATEMENTS.begin);
      if (this.#readOnly) this.#seq = this.#readSeq();
      crashPoint("batch:begun");
      const half = ops.length >> 1;
      const answers = ops.map((op, index) => {
        if (index === half) crashPoint("batch:half");
        if (this.#mail.matters(op)) this.#mail.write();
        return this.#one(op);
      });
      this.#mail.write();
      if (this.#seq !== before && !this.#readOnly) this.#sql.run("saveSeq", this.#seq);
      crashPoint("batch:executed");
      this.#sql.run("commit");
      crashPoint("batch:committed");
      if (!this.#readOnly) this.#shrink();
      return answers;
    } catch (thrown) {
      this.#seq = before;
      this.#known.clear();
      this.#states.clear();
      this.#mail.clear();
      this.#rollBack();
      throw storeFault(thrown, this.#open.file);
    }
  }

  /** Bytes of states written since it was opened, as wholes or as what has changed: for checks. */
  get stateBytesWritten(): number {
    return this.#states.written;
  }

  /** Brings the log into the file and gives the folder free. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#open.release();
  }

  /** Paths of all actors known, sorted: for checks. */
  paths(): string[] {
    return this.#sql.all<{ path: string }>("readPaths").map(({ path }) => path);
  }

  /** Mail waiting for an actor: for checks, and when it is forgotten. */
  waiting(path: string): readonly StoredMail[] {
    const known = this.#find(path);
    return known === undefined ? [] : this.#mail.read(known, path);
  }

  #one(op: StoreOp): StoreAnswer {
    switch (op.kind) {
      case "load":
        if (op.again && this.#find(op.path)?.life !== op.life) return { kind: "refused" };
        return this.#load(op.path, op.life);
      case "commit":
        return this.#commit(op.commit);
      case "enqueue":
        return this.#enqueue(op);
      case "fire":
        return { kind: "enqueued", seq: this.#fire(op) };
      case "list":
        return list(this.#sql, op.path);
      case "page":
        return page(this.#sql, op);
      case "due":
        return due(this.#sql, op);
      case "forget":
        return forgotten(this.waiting(op.path), () => this.#forget(op.path));
      default:
        return letterOp(this.#sql, op, (mail) => this.#keep(mail));
    }
  }

  #load(path: string, life: number): StoreAnswer {
    // Life 0 takes nothing over, so that it can be read also where nothing may be written.
    const known = this.#find(path) ?? (life > 0 ? this.#add(path) : undefined);
    if (known !== undefined && life > known.life) {
      this.#sql.run("own", life, known.id);
      known.life = life;
      crashPoint("load:owned");
    }
    if (known === undefined || known.born === null) return { kind: "loaded", stored: null };
    const row = this.#sql.get<ActorRow>("readActor", known.id) as ActorRow;
    const { behaviour, args, seq, effects } = row;
    const stored = {
      behaviour,
      args,
      ...this.#states.newest(known, row.version, row.state),
      mail: this.#mail.read(known, path),
      steps: this.#sql.all<EncodedStep>("readSteps", known.id).map((step) => ({ ...step })),
      progress: seq === null ? null : { seq, effects: effects as number },
      timers: readTimers(this.#sql, known.id),
      watermark: this.#seq,
    };
    return { kind: "loaded", stored };
  }

  #commit(commit: EncodedCommit): StoreAnswer {
    const { path, life, created } = commit;
    const before = this.#find(path);
    const isOwner = before === undefined || life >= before.life;
    // Not born and not created: forgotten meanwhile, its owner is being stopped for good.
    const isBorn = created !== null || (before?.born ?? null) !== null;
    if (!isOwner || !isBorn) return { kind: "committed", fenced: true, seqs: [] };
    const known = before ?? this.#add(path);
    if (created !== null) this.#bear(known, commit.behaviour, created.args);
    const { id } = known;
    if (commit.state !== null) this.#states.write(known, commit, commit.state);
    bury(this.#sql, id, commit);
    this.#mail.ack(known, commit.acks);
    count(this.#sql, id, commit);
    keepJournal(this.#sql, known, commit);
    setTimers(this.#sql, id, commit);
    keepAnswers(this.#sql, id, commit);
    return { kind: "committed", fenced: false, seqs: commit.mails.map((mail) => this.#keep(mail)) };
  }

  /** A new actor, or one that starts from nothing again: it keeps its owner and its place. */
  #bear(known: Known, behaviour: string, args: Encoded): void {
    if (known.born !== null) this.#empty(known);
    known.born = this.#sql.get<{ born: number }>("bear", behaviour, args, known.id)?.born ?? null;
    known.parked = null;
    known.journal = false;
  }

  #enqueue({ mail, stamp }: Extract<StoreOp, { kind: "enqueue" }>): StoreAnswer {
    const known = stamp && this.#find(mail.to);
    if (known === undefined || known.born === null) {
      return { kind: "enqueued", seq: this.#keep(mail) };
    }
    const again = see(this.#sql, known.id, stamp as EncodedStamp);
    if (again !== null) return { kind: "enqueued", seq: 0, again };
    return { kind: "enqueued", seq: this.#keep(mail, stamp?.id) };
  }

  #keep(mail: EncodedMail, stamp: string | null = null): number {
    const known = this.#find(mail.to);
    if (known === undefined || known.born === null) return 0;
    const seq = ++this.#seq;
    this.#mail.keep(known, seq, mail, stamp);
    return seq;
  }

  #fire(op: Extract<StoreOp, { kind: "fire" }>): number {
    const known = this.#find(op.path);
    const isOwner = known !== undefined && op.life >= known.life;
    const mail = isOwner ? takeTimer(this.#sql, known.id, op) : null;
    return mail === null ? 0 : this.#keep(mail);
  }

  #forget(path: string): void {
    const known = this.#find(path);
    if (known === undefined) return;
    this.#empty(known);
    this.#sql.run("dropActor", known.id);
    this.#known.delete(path);
  }

  #empty(known: Known): void {
    const { id } = known;
    this.#states.drop(known);
    this.#sql.run("dropMail", id);
    known.waiting = [];
    this.#sql.run("dropSteps", id);
    this.#sql.run("dropProgress", id);
    this.#sql.run("dropTimers", id);
    this.#sql.run("dropSeen", id);
  }

  #add(path: string): Known {
    const id = this.#sql.get<{ id: number }>("addActor", path, parentOf(path))?.id as number;
    const nothing = { born: null, parked: null, journal: false, patched: false, waiting: [] };
    return this.#remember(path, { id, life: 0, ...nothing });
  }

  #find(path: string): Known | undefined {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    type Row = Omit<Known, "journal" | "patched" | "waiting"> & {
      journal: number;
      patched: number;
    };
    const row = this.#sql.get<Row>("find", path);
    const flags = { journal: row?.journal === 1, patched: row?.patched === 1 };
    return row && this.#remember(path, { ...row, ...flags, waiting: null });
  }

  #remember(path: string, known: Known): Known {
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    // A reader's rows are somebody else's to change.
    if (!this.#readOnly) this.#known.set(path, known);
    return known;
  }

  #readSeq(): number {
    return this.#sql.get<{ value: number }>("readSeq")?.value ?? 0;
  }

  #rollBack(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // The error that led here says more, and the next BEGIN fails if this one was serious.
    }
  }
}
