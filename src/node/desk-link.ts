/**
 * Owns: the line between actors' threads and the desk on the control thread, where a node keeps what
 * is one for all its threads: the record of decisions, quotas, limits of tools.
 * Does not own: deciding (tool/policy.ts), the record (tool/audit.ts), the desk (tool/desk.ts).
 */
import type { MessagePort } from "node:worker_threads";
import type { Account } from "../actor/accounts.ts";
import type { Budget, CommonBooks, Extra, Refusal } from "../actor/books.ts";
import { ActorError, type ErrorCode } from "../actor/errors.ts";
import type { Tools } from "../kernel/tools.ts";
import { Audit, type AuditRecord } from "../tool/audit.ts";
import { type Admission, Desk, type Entry, type Settled } from "../tool/desk.ts";
import { LedgerFile } from "../tool/ledger-file.ts";
import type { DeskAccess } from "../tool/turnstile.ts";
import { monotonicMs } from "./pump.ts";

/** Actor's thread → control thread. */
type ToDesk =
  | { readonly kind: "decided"; readonly record: AuditRecord }
  | { readonly kind: "enter"; readonly entry: Entry }
  | { readonly kind: "live"; readonly id: string; readonly accounts: readonly Account[] }
  | { readonly kind: "withdraw"; readonly id: string }
  | { readonly kind: "settle"; readonly id: string; readonly settled: Settled };

/** Control thread → actor's thread. */
type FromDesk =
  | { readonly id: string; readonly admission: Admission }
  | { readonly id: string; readonly over: Refusal };

/** What a broker needs of a desk, wherever it stands. */
export interface DeskLine extends DeskAccess {
  readonly audit: NonNullable<Tools["audit"]>;
}

/** The end of a thread with actors. What is decided there is on its way before the call runs. */
export function deskLine(port: MessagePort): DeskLine {
  const open = new Map<string, (admission: Admission) => void>();
  const living = new Map<string, (why: Refusal) => void>();
  const say = (message: ToDesk) => port.postMessage(message);
  port.on("message", (message: FromDesk) => {
    const { id } = message;
    if ("over" in message) {
      living.get(id)?.(message.over);
      return void living.delete(id);
    }
    const { admission } = message;
    const done = open.get(id);
    open.delete(id);
    // Withdrawn while the answer was on its way: it has not begun, so it costs nothing.
    if (done !== undefined) done(admission);
    else if (admission.say === "go") say({ kind: "settle", id, settled: { ok: null, spent: {} } });
  });
  return {
    audit({ path, tool, key, decision, why, by }) {
      say({ kind: "decided", record: { path, tool, key, decision, why, by } });
    },
    enter(entry, done) {
      open.set(entry.id, done);
      say({ kind: "enter", entry });
    },
    live(id, accounts, over) {
      living.set(id, over);
      say({ kind: "live", id, accounts });
    },
    withdraw(id) {
      if (open.delete(id) || living.delete(id)) say({ kind: "withdraw", id });
    },
    settle: (id, settled) => say({ kind: "settle", id, settled }),
  };
}

/** Why a raise was refused, on its way between threads. */
export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at?: string;
  readonly fix?: string;
}

export const refusedOf = (thrown: unknown): Refused =>
  thrown instanceof ActorError
    ? (thrown.toJSON() as never)
    : { code: "E_INTERNAL", message: String(thrown) };

/** Limits that a person raises. */
export interface Raise {
  readonly path: string;
  readonly more: Extra;
  readonly by: string;
  readonly why: string;
}

/** The desk of a node as its control thread serves it. */
export interface DeskServer {
  serve(port: MessagePort): void;
  /** All accounts, or what a person's raise came to. @throws ActorError as {@link Desk.raise} */
  budgets(raise: Raise | null): Promise<Budget[]>;
  close(): Promise<void>;
}

/** What a node's desk is opened with. */
interface DeskOptions {
  /** Where its books lie; null: the store forgets, and so does the desk. */
  readonly folder: string | null;
  /** Is there a policy, and so a record of decisions? */
  readonly audited: boolean;
  /** Those of the tree: what earlier nodes have spent is read before anybody calls. */
  readonly accounts: readonly Account[];
  /** The books that nodes share; null: there is one node, and this folder. */
  readonly common: CommonBooks | null;
  /** Told when books cannot be kept any more: the node must not go on without them. */
  readonly failed: (error: unknown) => void;
}

export function openDesk({ folder, audited, accounts, common, failed }: DeskOptions): DeskServer {
  let audit = folder === null || !audited ? null : new Audit(folder);
  // What must outlive this node alone: with nodes that share their books, nothing.
  const own = common === null ? folder : null;
  const clocks = { now: monotonicMs, wall: () => Date.now() };
  const desk: Desk = new Desk({
    now: monotonicMs,
    after: (ms, fire) => void setTimeout(fire, ms),
    keep(line, safe) {
      if (own === null) return false;
      books ??= new LedgerFile(own, desk.ledger, clocks);
      books.append(line).then(safe, failed);
      return true;
    },
    common,
  });
  // Those of dynamic children may be all there are: then the file tells.
  const kept = own !== null && (accounts.length > 0 || LedgerFile.exists(own));
  let books = kept ? new LedgerFile(own, desk.ledger, clocks) : null;
  desk.know(accounts);
  const on = (port: MessagePort, message: ToDesk) => {
    if (message.kind === "decided") return audit?.append(message.record).catch(failed);
    if (message.kind === "withdraw") return desk.withdraw(message.id);
    if (message.kind === "live") {
      const { id: living, accounts: own } = message;
      return desk.live(living, own, port, (over) => {
        port.postMessage({ id: living, over } satisfies FromDesk);
      });
    }
    if (message.kind === "settle") return desk.settle(message.id, message.settled);
    const { id } = message.entry;
    desk.enter(message.entry, port, (admission) => {
      port.postMessage({ id, admission } satisfies FromDesk);
    });
  };
  return {
    serve(port) {
      port.on("message", (message: ToDesk) => on(port, message));
      port.on("close", () => desk.lost(port));
    },
    async budgets(raise) {
      if (raise === null) return desk.budgets();
      const { path, more, by, why } = raise;
      await desk.raise(path, more);
      if (folder !== null) {
        audit ??= new Audit(folder);
        const text = `${JSON.stringify(more)}${why === "" ? "" : ` ${why}`}`;
        const record = { path, tool: "quota", key: "raise", decision: "allow", why: text, by };
        await audit.append(record as AuditRecord);
      }
      return (await desk.budgets()).filter((each) => each.path === path);
    },
    async close() {
      await Promise.all([audit?.close(), books?.close()]);
    },
  };
}
