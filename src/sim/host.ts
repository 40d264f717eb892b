/**
 * Owns: one simulated thread: a kernel with its end of the store.
 */
import type { Kernel } from "../kernel/kernel.ts";
import type { StoreClient } from "../store/committer.ts";
import type { StoreAnswer } from "../store/store.ts";

/** One kernel with its end of the store; a lost thread gets a new one. */
export interface Host {
  kernel: Kernel;
  store: StoreClient;
  answers: StoreAnswer[][];
  /** False from its loss on: whatever is left of it does nothing any more. */
  alive: boolean;
}

/** The store's oldest answers reach the kernel. */
export function complete(host: Host): void {
  for (const each of host.store.complete(host.answers.shift() ?? [])) host.kernel.complete(each);
}
