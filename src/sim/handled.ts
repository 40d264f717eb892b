/**
 * Owns: which messages handlers have had, for the books: by number, by key, and what was never
 * written because a commit had handled it before.
 * Does not own: what follows for the money (ledger.ts).
 */
import type { Mail } from "../kernel/ports.ts";
import { decode } from "../store/codec.ts";
import type { EncodedCommit } from "../store/store.ts";
import type { EventStream } from "./stream.ts";

type Keyed = { readonly key: number };

/** Messages that were handled. */
export class Handled {
  readonly #stream: EventStream;
  /** path#seq */
  readonly #finished = new Set<string>();
  /** Keys: what goes ahead of its number is finished without one. */
  readonly #begun = new Set<number>();
  readonly #spared = new WeakMap<EncodedCommit, readonly Mail[]>();

  constructor(stream: EventStream) {
    this.#stream = stream;
    stream.listen((event) => {
      if (event.type === "handled") this.#finished.add(`${event.path}#${event.seq}`);
      else if (event.type === "enter" && event.handler === "mail") this.#begun.add(event.key);
    });
  }

  has(path: string, { seq, body }: { seq: number; body: Uint8Array }): boolean {
    return this.#finished.has(`${path}#${seq}`) || this.#begun.has((decode(body) as Keyed).key);
  }

  /** This mail is not written: the commit stands for it. */
  spares(commit: EncodedCommit, mails: readonly Mail[]): void {
    this.#spared.set(commit, mails);
  }

  /** What a commit stands for: that it was its actor's, and handled. */
  sparedBy(commit: EncodedCommit): readonly Mail[] {
    const spared = this.#spared.get(commit) ?? [];
    for (const { to, type, message } of spared) {
      if (to === commit.path && this.#begun.has((message as Keyed).key)) continue;
      const detail = `${commit.path} spares a message (${type}) that it has not handled`;
      this.#stream.fail("K8 accepted mail is handled or a dead letter", detail);
    }
    return spared;
  }
}
