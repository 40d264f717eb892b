/**
 * Owns: what a batch between two threads looks like: mail that follows mail of the same sender,
 * receiver and type is one entry with its messages; small plain batches are posted as they are, all
 * others as bytes. Does not own: when a batch is sent and what is under way (transport.ts).
 *
 * Entries: [to, type, from, message…] mail that nobody asks and no store knows · [COLUMNS, to,
 * type, from, columns] many such of one shape · [ASK, to, type, from, ask, message] · [REPLY, to, ask,
 * value] a good answer · an envelope: everything else.
 */
import { mailOf } from "../kernel/mailbox.ts";
import type { Envelope, Mail } from "../kernel/ports.ts";
import { decode, encode } from "../store/codec.ts";
import { type Columns, columnsOf, eachRow } from "./columns.ts";
import { type Names, pack, unpack } from "./wire.ts";

const ASK = 1;
const REPLY = 2;
const COLUMNS = 3;
/** Values in a batch that is posted as it is: the platform's own copy of few is cheaper than bytes. */
const SMALL = 64;

/** What goes over a port: the batch's number and its entries, or those as bytes. */
export type Parcel = unknown[] | Uint8Array;

/** @throws Error when a message holds what is no data, ActorError E_SPEC_CHILD */
export function packBatch(number: number, batch: readonly Envelope[], names: Names): Parcel {
  const entries = entriesOf(number, batch, names);
  return isSmall(entries) ? entries : encode(entries);
}

/** @returns the batch's number @throws ActorError E_SPEC_CHILD */
export function unpackBatch(
  parcel: Parcel,
  names: Names,
  deliver: (envelope: Envelope) => void,
): number {
  const entries = (Array.isArray(parcel) ? parcel : decode(parcel)) as unknown[];
  for (let i = 1; i < entries.length; i++) {
    const entry = entries[i];
    if (Array.isArray(entry)) open(entry, deliver);
    else deliver(unpack(entry as Envelope, names));
  }
  return entries[0] as number;
}

function entriesOf(number: number, batch: readonly Envelope[], names: Names): unknown[] {
  const entries: unknown[] = [number];
  let last: Mail | null = null;
  let messages: unknown[] = [];
  const close = () => {
    if (last !== null) entries.push(groupOf(last, messages));
    last = null;
  };
  for (const envelope of batch) {
    const mail = isPlain(envelope) ? envelope : null;
    if (mail === null || mail.ask !== 0) {
      close();
      entries.push(mail === null ? entryOf(envelope, names) : askOf(mail));
    } else if (last !== null && isLike(mail, last)) {
      messages.push(mail.message);
    } else {
      close();
      last = mail;
      messages = [mail.message];
    }
  }
  close();
  return entries;
}

function groupOf({ to, type, from }: Mail, messages: unknown[]): unknown[] {
  const columns = columnsOf(messages);
  if (columns !== null) return [COLUMNS, to, type, from, columns];
  return [to, type, from].concat(messages as string[]);
}

const isPlain = (envelope: Envelope): envelope is Mail =>
  envelope.kind === "mail" && envelope.seq === 0 && envelope.stamp === undefined;

const isLike = (a: Mail, b: Mail) => a.to === b.to && a.type === b.type && a.from === b.from;
const askOf = ({ to, type, from, ask, message }: Mail) => [ASK, to, type, from, ask, message];

function entryOf(envelope: Envelope, names: Names): unknown {
  if (envelope.kind === "mail") {
    const { kind, to, type, message, from, ask, seq, attempts, stamp } = envelope;
    const mail = { kind, to, type, message, from, ask, seq, attempts };
    return stamp === undefined ? mail : { ...mail, stamp };
  }
  const packed = pack(envelope, names) as Envelope;
  if (packed.kind !== "reply" || !packed.answer.ok) return packed;
  return [REPLY, packed.to, packed.ask, packed.answer.value];
}

function open(entry: unknown[], deliver: (envelope: Envelope) => void): void {
  if (entry[0] === ASK) {
    const [, to, type, from, ask, message] = entry as [0, string, string, string, number, unknown];
    deliver(mailOf(to, type, message, from, ask));
  } else if (entry[0] === REPLY) {
    const [, to, ask, value] = entry as [0, string, number, unknown];
    deliver({ kind: "reply", to, ask, answer: { ok: true, value } });
  } else if (entry[0] === COLUMNS) {
    const [, to, type, from, columns] = entry as [0, string, string, string, Columns];
    eachRow(columns, (message) => deliver(mailOf(to, type, message, from, 0)));
  } else {
    const [to, type, from] = entry as [string, string, string];
    for (let i = 3; i < entry.length; i++) deliver(mailOf(to, type, entry[i], from, 0));
  }
}

/** Few values, and only such as both ways of copying treat alike. */
function isSmall(entries: readonly unknown[]): boolean {
  return entries.length < SMALL && plain(entries, SMALL) >= 0;
}

/** How many of `left` values remain; below 0: too many, or not plain. */
function plain(value: unknown, left: number): number {
  if (typeof value === "function" || typeof value === "symbol") return -1;
  left--;
  if (typeof value !== "object" || value === null || left < 0) return left;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left >= 0; i++) left = plain(value[i], left);
    return left;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || "toJSON" in value) return -1;
  for (const key in value) {
    if (left < 0) return left;
    left = plain((value as Record<string, unknown>)[key], left);
  }
  return left;
}
