/**
 * Owns: what durable actors of the simulator keep and pay.
 * Does not own: the books (ledger.ts), who pays whom (workload.ts).
 */

/** What durable actors keep; `got` and `sent` number the payments per partner. */
export interface Account {
  readonly money: number;
  /** Number of this account: a removed and recreated actor has another one. */
  readonly birth: number;
  readonly got: Readonly<Record<string, number>>;
  readonly sent: Readonly<Record<string, number>>;
  readonly done: number;
}

/** A payment; `id` says from whom to whom and is given once. */
export interface Payment {
  readonly key: number;
  readonly id: string;
  /** Who pays: path and birth; "" = minted from outside, "~…" = by an actor that forgets. */
  readonly from: string;
  readonly n: number;
  readonly amount: number;
  readonly route: readonly string[];
  readonly slow: boolean;
  readonly origin?: string;
}

/** Is it new money, and no actor's before? */
export const isMinted = ({ from }: Payment): boolean => from === "" || from.startsWith("~");
