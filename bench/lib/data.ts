/** Owns: where a peer's process keeps what it stores. Does not own: taking it away (peer.ts). */
import { tmpdir } from "node:os";
import { join } from "node:path";

/** By process: all of its threads mean the same folder. */
export const dataOf = (pid: number): string => join(tmpdir(), `coppice-bench-data-${pid}`);
