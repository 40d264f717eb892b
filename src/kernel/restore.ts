/**
 * Owns: making a cell ready from what the store has of it: upgrade chain, state, journal, mail.
 * Does not own: reading the store (store/).
 * Invariant: K4 the state is that of some earlier commit.
 */
import { type ExitReason, fromThrown } from "../actor/exit.ts";
import type { Cell } from "./cell.ts";
import { doubt } from "./doubt.ts";
import type { Answer, Stored } from "./ports.ts";
import { Journal } from "./slice.ts";
import { takeUp } from "./timetable.ts";

/** Why it cannot be read, or not again: then somebody else has loaded it since (K11). */
export function unreadable({ started, life }: Cell, error: Answer): ExitReason {
  const { code, message } = error as Extract<Answer, { ok: false }>;
  if (started && code === "E_STORE_LEASE") return { tag: "fenced", token: life };
  return { tag: "bad_start", code, message };
}

/** Fills the cell. @returns why it cannot start, or null */
export function restore(cell: Cell, stored: Stored): ExitReason | null {
  const { behaviour, path } = cell;
  if (stored.behaviour !== behaviour.name) {
    const message = `stored by behaviour ${stored.behaviour}, but ${path} now runs ${behaviour.name}`;
    return { tag: "bad_start", code: "E_STATE_SCHEMA", message };
  }
  let state = stored.state;
  for (let version = stored.version + 1; version <= behaviour.version; version++) {
    const upgrade = behaviour.upgrade?.[version];
    if (upgrade === undefined) {
      const message = `${path}: no upgrade to state version ${version} in ${behaviour.name}`;
      return { tag: "bad_start", code: "E_STORE_VERSION", message };
    }
    try {
      state = upgrade(state as never);
    } catch (thrown) {
      return fromThrown(thrown);
    }
  }
  if (stored.version > behaviour.version) {
    const message = `${path}: stored with state version ${stored.version}, newer than ${behaviour.version}`;
    return { tag: "bad_start", code: "E_STORE_VERSION", message };
  }
  const checked = behaviour.state.safeParse(state);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const message = `${path}: stored state${issue ? `.${issue.path.join(".")}: ${issue.message}` : ""}`;
    return { tag: "bad_start", code: "E_STATE_SCHEMA", message };
  }
  cell.state = checked.data;
  cell.more.watermark = stored.watermark;
  for (const record of stored.timers) takeUp(cell, record);
  // The message in flight goes on first, whatever its number: it had begun.
  const inFlight = stored.progress?.seq ?? stored.steps[0]?.seq;
  if (inFlight !== undefined) {
    const steps = stored.steps.filter((each) => each.seq === inFlight);
    cell.more.journal = new Journal(inFlight, steps, stored.progress?.effects ?? 0);
  }
  const isFirst = (seq: number) => (seq === inFlight ? 0 : 1);
  const mails = stored.mail.toSorted((a, b) => isFirst(a.seq) - isFirst(b.seq));
  for (const mail of mails) cell.put(mail);
  doubt(cell, mails);
  return null;
}
