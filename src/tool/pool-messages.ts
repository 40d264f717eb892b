/**
 * Owns: what actors' threads, the pool and its threads say to each other.
 */

/** What an actor's thread asks for. The input is encoded there and read where the tool runs. */
export interface PoolRequest {
  readonly id: number;
  readonly tool: string;
  readonly key: string;
  readonly input: Uint8Array;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly maxQueue: number;
}

/** Actor's thread → pool. */
export type ToPool = ({ readonly kind: "call" } & PoolRequest) | { kind: "cancel"; id: number };

/** A refusal or failure by the pool, as plain data. */
export interface PoolFault {
  readonly code: "timeout" | "overloaded" | "E_TOOL_LOST" | "E_APP_LOAD" | "E_SANDBOX_MISSING";
  readonly message: string;
  readonly fix: string;
}

/** How a call ended: what the tool's thread encoded, or what went wrong with it. */
export type PoolEnd = { readonly answer: Uint8Array } | { readonly fault: PoolFault };

/** Pool → actor's thread. */
export type FromPool = { readonly id: number } & PoolEnd;

/** What `run` came to, encoded in its thread. */
export type PoolAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: { name: string; message: string; stack: string } };

/** Pool → one of its threads. */
export interface PoolTask {
  readonly call: number;
  readonly app: string;
  readonly tool: string;
  readonly key: string;
  readonly input: Uint8Array;
}

/** A thread of the pool → pool, besides the answer. */
export type PoolSaid =
  | { call: number; kind: "taken"; thread: number }
  /** The app is imported and the tool found: its time begins. */
  | { call: number; kind: "began" }
  /** Answered, but something was left open: the thread must not run another call. */
  | { call: number; kind: "spent"; answer: Uint8Array }
  | { call: number; kind: "broken"; why: string }
  | { call: number; kind: "unknown" };
