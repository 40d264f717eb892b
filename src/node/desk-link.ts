/**
 * Owns: the line between actors' threads and the desk on the control thread, where a node keeps what
 * is one for all its threads: the record of decisions.
 * Does not own: deciding (tool/policy.ts), the record (tool/audit.ts).
 */
import type { MessagePort } from "node:worker_threads";
import type { Tools } from "../kernel/ports.ts";
import { Audit, type AuditRecord } from "../tool/audit.ts";

/** Actor's thread → control thread. */
type ToDesk = { readonly kind: "decided"; readonly record: AuditRecord };

/** The end of a thread with actors: what is decided there is on its way before the call runs. */
export function auditLine(port: MessagePort): NonNullable<Tools["audit"]> {
  return ({ path, tool, key, decision, why, by }) => {
    const record = { path, tool, key, decision, why, by };
    port.postMessage({ kind: "decided", record } satisfies ToDesk);
  };
}

/** The desk of a node as its control thread serves it. */
export interface Desk {
  serve(port: MessagePort): void;
  close(): Promise<void>;
}

/**
 * @param folder where the record lies; null: the store forgets, and so does the desk
 * @param failed told when the record cannot be kept any more: the node must not go on without it
 */
export function openDesk(folder: string | null, failed: (error: unknown) => void): Desk {
  const audit = folder === null ? null : new Audit(folder);
  return {
    serve(port) {
      port.on("message", ({ record }: ToDesk) => {
        audit?.append(record).catch(failed);
      });
    },
    close: async () => audit?.close(),
  };
}
