/**
 * Owns: the reference store: the rules of store.ts in the plainest form, in memory.
 * Does not own: faults (the simulator wraps it).
 */
import {
  DEAD_AGE_MS,
  DEAD_BYTES_MAX,
  DEAD_LETTERS_MAX,
  type Encoded,
  type EncodedCommit,
  type EncodedMail,
  type EncodedStep,
  type EncodedTimer,
  type Engine,
  forgotten,
  handedOutOf,
  type LetterAnswer,
  type LetterOp,
  NEWEST,
  type StoreAnswer,
  type StoredDead,
  type StoredMail,
  type StoreOp,
  WINDOW_MS,
} from "./store.ts";

interface Row {
  readonly born: number;
  life: number;
  behaviour: string;
  version: number;
  args: Encoded;
  state: Encoded;
  mail: StoredMail[];
  steps: EncodedStep[];
  progress: { readonly seq: number; readonly effects: number } | null;
  readonly timers: Map<string, EncodedTimer>;
  readonly seen: Map<string, { readonly at: number; answer: Encoded | null }>;
}

/** A store that lasts as long as this object. */
export class MemoryEngine implements Engine {
  readonly #rows = new Map<string, Row>();
  /** Lives that loaded an actor which is not there yet. */
  readonly #owners = new Map<string, number>();
  #dead: StoredDead[] = [];
  #deadBytes = 0;
  #deadId = 0;
  #seq = 0;
  #born = 0;
  readonly #now: () => number;

  /** @param now wall time in ms, for the dead letters */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    return ops.map((op) => this.#one(op));
  }

  close(): void {}

  /** Paths of all actors known, sorted: for checks. */
  paths(): string[] {
    return [...this.#rows.keys()].sort();
  }

  /** Mail waiting for an actor: for checks. */
  waiting(path: string): readonly StoredMail[] {
    return this.#rows.get(path)?.mail ?? [];
  }

  #one(op: StoreOp): StoreAnswer {
    switch (op.kind) {
      case "load":
        if (op.again && this.#owners.get(op.path) !== op.life) return { kind: "refused" };
        return this.#load(op.path, op.life);
      case "commit":
        return this.#commit(op.commit);
      case "enqueue":
        return this.#enqueue(op);
      case "fire":
        return { kind: "enqueued", seq: this.#fire(op) };
      case "list":
        return { kind: "listed", children: this.#list(`${op.path}/`) };
      case "page":
        return this.#page(op);
      case "due":
        return this.#due(op);
      case "forget":
        return forgotten(this.waiting(op.path), () => {
          this.#rows.delete(op.path);
          this.#owners.delete(op.path);
        });
      default:
        return this.#letter(op);
    }
  }

  #load(path: string, life: number): StoreAnswer {
    this.#owners.set(path, Math.max(life, this.#owners.get(path) ?? 0));
    const row = this.#rows.get(path);
    if (row === undefined) return { kind: "loaded", stored: null };
    const { behaviour, version, args, state, mail, steps, progress, timers } = row;
    const stored = {
      behaviour,
      version,
      args,
      state,
      mail: [...mail],
      steps: [...steps],
      progress,
      timers: [...timers.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
    return { kind: "loaded", stored: { ...stored, watermark: this.#seq } };
  }

  #commit(commit: EncodedCommit): StoreAnswer {
    const { path, life } = commit;
    if (life < (this.#owners.get(path) ?? 0)) return { kind: "committed", fenced: true, seqs: [] };
    if (commit.created !== null) this.#create(commit, commit.created.args);
    const row = this.#rows.get(path);
    // Forgotten meanwhile: its owner is being stopped for good.
    if (row === undefined) return { kind: "committed", fenced: true, seqs: [] };
    if (commit.state !== null) {
      row.state = commit.state;
      row.version = commit.version;
    }
    const acked = new Set(commit.acks);
    for (const { seq, reason } of commit.dead) {
      const mail = row.mail.find((each) => each.seq === seq);
      if (mail !== undefined) this.#bury(mail, reason);
    }
    const attempts = new Map(commit.retries.map((each) => [each.seq, each.attempts]));
    const tries = new Map(commit.tries.map((each) => [each.seq, each.tries]));
    row.mail = row.mail
      .filter((each) => !acked.has(each.seq))
      .map((each) => ({
        ...each,
        attempts: attempts.get(each.seq) ?? each.attempts,
        tries: tries.get(each.seq) ?? each.tries,
      }));
    row.steps = [...row.steps, ...commit.steps].filter((each) => !acked.has(each.seq));
    if (commit.progress !== null) row.progress = commit.progress;
    else if (row.progress !== null && acked.has(row.progress.seq)) row.progress = null;
    for (const { id, set } of commit.timers) {
      if (set === null) row.timers.delete(id);
      else row.timers.set(id, set);
    }
    for (const { id, answer } of commit.answers) {
      const known = row.seen.get(id);
      if (known !== undefined) known.answer = answer;
    }
    return { kind: "committed", fenced: false, seqs: commit.mails.map((mail) => this.#keep(mail)) };
  }

  #create(commit: EncodedCommit, args: Encoded): void {
    const { life, behaviour, version, path } = commit;
    const state = commit.state as Encoded;
    const nothing = { mail: [], steps: [], progress: null, timers: new Map(), seen: new Map() };
    const born = this.#rows.get(path)?.born ?? ++this.#born;
    this.#rows.set(path, { born, life, behaviour, version, args, state, ...nothing });
  }

  #enqueue({ mail, stamp }: Extract<StoreOp, { kind: "enqueue" }>): StoreAnswer {
    const row = this.#rows.get(mail.to);
    if (stamp === undefined || row === undefined) {
      return { kind: "enqueued", seq: this.#keep(mail) };
    }
    const { id, atMs } = stamp;
    for (const [each, { at }] of row.seen) if (at <= atMs - WINDOW_MS) row.seen.delete(each);
    const known = row.seen.get(id);
    if (known !== undefined) return { kind: "enqueued", seq: 0, again: { answer: known.answer } };
    row.seen.set(id, { at: atMs, answer: null });
    return { kind: "enqueued", seq: this.#keep(mail, id) };
  }

  #keep(mail: EncodedMail, id: string | null = null): number {
    const row = this.#rows.get(mail.to);
    if (row === undefined) return 0;
    const seq = ++this.#seq;
    row.mail.push({ ...mail, id, seq, attempts: 0, tries: 0 });
    return seq;
  }

  #fire({ path, life, id, dueMs, nextMs }: Extract<StoreOp, { kind: "fire" }>): number {
    const timer = this.#rows.get(path)?.timers.get(id);
    const isOwner = life >= (this.#owners.get(path) ?? 0);
    if (timer === undefined || timer.dueMs !== dueMs || !isOwner) return 0;
    const { timers } = this.#rows.get(path) as Row;
    if (nextMs === null) timers.delete(id);
    else timers.set(id, { ...timer, dueMs: nextMs });
    const { type, body } = timer;
    return this.#keep({ to: path, from: path, type, ask: 0, body });
  }

  #bury(mail: StoredMail, reason: StoredDead["reason"]): void {
    this.#dead.push({
      id: ++this.#deadId,
      at: this.#now(),
      mail: { ...mail, id: null, tries: 0 },
      reason,
    });
    this.#deadBytes += mail.body.byteLength;
    const oldest = this.#now() - DEAD_AGE_MS;
    const isLast = () => this.#dead.length === 1;
    for (let first = this.#dead[0]; first !== undefined && !isLast(); first = this.#dead[0]) {
      const fits = this.#dead.length <= DEAD_LETTERS_MAX && this.#deadBytes <= DEAD_BYTES_MAX;
      if (fits && first.at >= oldest) break;
      this.#take(first.id);
    }
  }

  #take(id: number): void {
    this.#dead = this.#dead.filter((each) => {
      if (each.id === id) this.#deadBytes -= each.mail.body.byteLength;
      return each.id !== id;
    });
  }

  #letter(op: LetterOp): LetterAnswer {
    const total = this.#dead.length;
    const fits = ({ id, mail }: StoredDead) =>
      (op.kind !== "letters" || op.path === null || op.path === mail.to) &&
      (op.id === null || op.id === id);
    const found = this.#dead.filter(fits);
    if (op.kind === "letters") return { kind: "letters", total, letters: found.slice(-op.max) };
    if (op.kind === "drop") {
      for (const { id } of found) this.#take(id);
      return { kind: "dropped", count: found.length };
    }
    const mail = found[0] && { ...found[0].mail, ask: 0, attempts: 0 };
    const seq = mail === undefined ? 0 : this.#keep(mail);
    if (mail === undefined || seq === 0) return { kind: "revived", mail: null };
    this.#take(op.id);
    return { kind: "revived", mail: { ...mail, seq } };
  }

  #list(prefix: string): { id: string; args: Encoded }[] {
    return this.#children(prefix).map(({ id, row }) => ({ id, args: row.args }));
  }

  /** In the order of birth. */
  #children(prefix: string): { id: string; row: Row }[] {
    const found: { id: string; row: Row }[] = [];
    for (const [path, row] of this.#rows) {
      if (!path.startsWith(prefix)) continue;
      const id = path.slice(prefix.length);
      if (!id.includes("/")) found.push({ id, row });
    }
    return found;
  }

  #page({ path, after, max }: Extract<StoreOp, { kind: "page" }>): StoreAnswer {
    const all = this.#children(`${path}/`);
    const rest = all.filter(({ row }) => row.born > Number(after));
    const page = rest.slice(0, max);
    const next = rest.length > max ? String(page.at(-1)?.row.born) : "";
    const handedOut = handedOutOf(all.slice(-NEWEST).map(({ id }) => id));
    return { kind: "paged", ids: page.map(({ id }) => id), next, total: all.length, handedOut };
  }

  #due({ path, atMs, after, max }: Extract<StoreOp, { kind: "due" }>): StoreAnswer {
    const ids: string[] = [];
    let nextMs: number | null = null;
    for (const { id, row } of this.#children(`${path}/`)) {
      const times = [...row.timers.values()].map(({ dueMs }) => dueMs);
      for (const each of times) if (each > atMs && !(each >= (nextMs ?? each + 1))) nextMs = each;
      const waits = row.mail.length > 0 || times.some((each) => each <= atMs);
      if (waits && id > after) ids.push(id);
    }
    return { kind: "due", ids: ids.sort().slice(0, max), nextMs };
  }
}
