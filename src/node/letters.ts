/**
 * Owns: the dead letters of a node: those its threads hold and those its store keeps, as one list;
 * showing, replaying and dropping them. A letter of the store has the number `s7`, one that only
 * thread 2 knows `2.7`: it goes with its thread.
 * Does not own: how messages become dead letters (kernel/, store/), drawing them (cli/dead.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { formatReason } from "../actor/exit.ts";
import type { DeadLetter } from "../kernel/dead.ts";
import { show } from "../kernel/inspect.ts";
import { CONTROL } from "../kernel/placement.ts";
import type { LetterRequest, LettersView, LetterView } from "../observe/view.ts";
import { decode } from "../store/codec.ts";
import type { LetterOp, StoredDead } from "../store/store.ts";
import type { Host } from "./host.ts";
import type { Node } from "./inspectable.ts";

/** Most letters in one answer, and longest text of a message, in a list and alone. */
const LETTERS_MAX = 1_000;
const TEXT_MAX = 200;
const FULL_MAX = 64_000;

/** Asked of one thread: about its own letters, or about the store's. */
export type ThreadLetters =
  | { readonly where: "thread"; readonly do: "list"; readonly path: string | null }
  | {
      readonly where: "thread";
      readonly do: "show" | "replay" | "drop";
      readonly id: number | null;
    }
  | { readonly where: "store"; readonly do: "list"; readonly path: string | null }
  | {
      readonly where: "store";
      readonly do: "show" | "replay" | "drop";
      readonly id: number | null;
    };

/** `count`: how many it was done to. */
export type ThreadAnswer = { total: number; letters: LetterView[] } | { count: number };

/* ---- on a thread ---- */

/** Answers for one thread. */
export function threadLetters(
  host: Host,
  asked: ThreadLetters,
  done: (answer: ThreadAnswer) => void,
): void {
  if (asked.where === "thread") return done(ownLetters(host, asked));
  const { store } = host;
  if (store === null) return done({ count: 0 });
  store.letter(opOf(asked), (answer) => {
    if (answer.kind === "dropped") return done({ count: answer.count });
    if (answer.kind === "revived") return done({ count: answer.mail === null ? 0 : 1 });
    const max = asked.do === "show" ? FULL_MAX : TEXT_MAX;
    done({ total: answer.total, letters: answer.letters.map((each) => keptView(each, max)) });
  });
}

function opOf(asked: Extract<ThreadLetters, { where: "store" }>): LetterOp {
  const max = LETTERS_MAX;
  if (asked.do === "list") return { kind: "letters", path: asked.path, id: null, max };
  if (asked.do === "show") return { kind: "letters", path: null, id: asked.id, max };
  if (asked.do === "drop") return { kind: "drop", id: asked.id };
  return { kind: "revive", id: asked.id as number };
}

function ownLetters(
  { kernel }: Host,
  asked: Extract<ThreadLetters, { where: "thread" }>,
): ThreadAnswer {
  const letters = kernel.dead.list().filter((each) => !each.stored);
  if (asked.do === "list" || asked.do === "show") {
    const fits = (each: DeadLetter) =>
      asked.do === "list" ? asked.path === null || each.to === asked.path : each.id === asked.id;
    const max = asked.do === "show" ? FULL_MAX : TEXT_MAX;
    const found = letters.filter(fits).slice(-LETTERS_MAX);
    const view = (each: DeadLetter) => ownView(each, kernel.thread, kernel.nowMs, max);
    return { total: letters.length, letters: found.map(view) };
  }
  const found = letters.filter(({ id }) => asked.id === null || asked.id === id);
  for (const { id, to, type, message, from } of found) {
    kernel.dead.take(id);
    // Whoever asked has long been answered: nobody waits for this one's answer.
    if (asked.do === "replay") kernel.send(kernel.mail(to, type, message, from, 0), null);
  }
  return { count: found.length };
}

function ownView(letter: DeadLetter, thread: number, nowMs: number, max: number): LetterView {
  const { to, from, type, reason } = letter;
  const at = new Date(Date.now() - (nowMs - letter.atMs)).toISOString();
  const id = `${thread}.${letter.id}`;
  return { id, at, to, from, type, reason, attempts: 0, message: show(letter.message, max) };
}

function keptView({ id, at, mail, reason }: StoredDead, max: number): LetterView {
  const { to, from, type, attempts } = mail;
  const texts = { reason: formatReason(reason), message: textOf(mail.body, max) };
  // The delivery that failed last is not counted among the attempts before it.
  const counted = attempts + 1;
  return {
    id: `s${id}`,
    at: new Date(at).toISOString(),
    to,
    from,
    type,
    attempts: counted,
    ...texts,
  };
}

function textOf(body: Uint8Array, max: number): string {
  try {
    return show(decode(body), max);
  } catch {
    return "(cannot be decoded)";
  }
}

/* ---- for the node ---- */

interface Place {
  readonly thread: number;
  readonly where: "store" | "thread";
  readonly id: number;
}

function placeOf(id: string): Place | null {
  const [, kept, thread, own] = /^(?:s(\d{1,15})|(\d{1,4})\.(\d{1,15}))$/.exec(id) ?? [];
  if (kept !== undefined) return { thread: CONTROL, where: "store", id: Number(kept) };
  return thread === undefined ? null : { thread: Number(thread), where: "thread", id: Number(own) };
}

const unknownLetter = (id: string) =>
  new ActorError("E_LETTER_UNKNOWN", `there is no dead letter ${id.slice(0, 40)}`, {
    fix: "coppice dead lists them; a letter of a thread goes with it",
  });

function silent(thread: number): ActorError {
  const fix = "it is busy or was lost: try again";
  return new ActorError("timeout", `thread ${thread} did not answer`, { fix });
}

async function ask(node: Node, thread: number, asked: ThreadLetters): Promise<ThreadAnswer> {
  const answer = await node.threads[thread]?.letters(asked);
  if (answer === null || answer === undefined) throw silent(thread);
  return answer;
}

/** One letter in full. @throws E_LETTER_UNKNOWN timeout */
async function letter(node: Node, id: string): Promise<[Place, LetterView]> {
  const place = placeOf(id);
  if (place === null || node.threads[place.thread] === undefined) throw unknownLetter(id);
  const { where } = place;
  const answer = await ask(node, place.thread, { where, do: "show", id: place.id });
  const found = "letters" in answer ? answer.letters[0] : undefined;
  if (found === undefined) throw unknownLetter(id);
  return [place, found];
}

async function list(node: Node, path: string | null): Promise<LettersView> {
  const own = node.threads.map((_, thread) => {
    return ask(node, thread, { where: "thread", do: "list", path });
  });
  const kept = ask(node, CONTROL, { where: "store", do: "list", path });
  // A thread that does not answer must not hide the letters of the others.
  const asked = await Promise.allSettled([...own, kept]);
  const silent = asked.filter(({ status }) => status === "rejected").length;
  const views = asked.flatMap((each) =>
    each.status === "fulfilled" && "letters" in each.value ? [each.value] : [],
  );
  const letters = views.flatMap((each) => each.letters).sort((a, b) => (a.at < b.at ? -1 : 1));
  const total = views.reduce((sum, each) => sum + each.total, 0);
  return { total, silent, letters: letters.slice(-LETTERS_MAX) };
}

async function replay(node: Node, id: string): Promise<LettersView> {
  const [place, found] = await letter(node, id);
  const { where } = place;
  // A stored letter is revived by the thread of its actor, which then hears of it.
  const thread = where === "store" ? node.threadOf(found.to) : place.thread;
  const answer = await ask(node, thread, { where, do: "replay", id: place.id });
  if ("count" in answer && answer.count > 0) return { total: 1, silent: 0, letters: [found] };
  throw new ActorError("no_actor", `${found.to} is not known to the store`, {
    at: id,
    fix: "start that actor first, or drop the letter: coppice dead drop",
  });
}

async function drop(node: Node, id: string | null): Promise<LettersView> {
  if (id !== null) {
    const [{ thread, ...place }, found] = await letter(node, id);
    await ask(node, thread, { ...place, do: "drop" });
    return { total: 1, silent: 0, letters: [found] };
  }
  const threads = node.threads.map((_, thread) => thread);
  const all = { do: "drop", id: null } as const;
  const own = threads.map((thread) => ask(node, thread, { where: "thread", ...all }));
  const counts = await Promise.all([...own, ask(node, CONTROL, { where: "store", ...all })]);
  const total = counts.reduce((sum, each) => sum + ("count" in each ? each.count : 0), 0);
  return { total, silent: 0, letters: [] };
}

/** Lists, shows, replays or drops. `total`: of a list all there are, else how many it was done to. */
export async function letters(node: Node, asked: LetterRequest): Promise<LettersView> {
  switch (asked.do) {
    case "list":
      return list(node, asked.path ?? null);
    case "show":
      return { total: 1, silent: 0, letters: [(await letter(node, asked.letter))[1]] };
    case "replay":
      return replay(node, asked.letter);
    case "drop":
      return drop(node, asked.letter);
  }
}
