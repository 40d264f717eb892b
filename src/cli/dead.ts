/**
 * Owns: `coppice dead`: the messages nobody handled, and what becomes of them.
 * Does not own: where they are kept (node/letters.ts).
 */
import { ActorError } from "../actor/errors.ts";
import type { LettersView, LetterView } from "../observe/inspect.ts";
import type { Input, Run } from "./arguments.ts";
import { type Client, withNode } from "./client.ts";
import { type Io, table } from "./terminal.ts";
import { age, jsonText, plural, printableLines } from "./words.ts";

const VERBS = ["show", "replay", "drop"] as const;
type Verb = (typeof VERBS)[number];

/** Replays a second, if not said. */
const RATE = 100;

const usage = (fact: string, fix = "coppice dead --help shows what it takes") =>
  new ActorError("E_USAGE", fact, { fix });

/** What is meant: a verb on one letter, on all, or on those of an actor; or only looking. */
interface Wanted {
  readonly verb: Verb | "list";
  readonly id: string | null;
  readonly path: string | null;
  readonly perSecond: number;
}

function wanted({ operands, flags, values }: Input): Wanted {
  const [first, second] = operands;
  const verb = VERBS.find((each) => each === first) ?? "list";
  const path = values.get("path") ?? null;
  const all = flags.has("all");
  if (verb === "list") {
    if (second !== undefined) throw usage(`${JSON.stringify(first)} is no verb of coppice dead`);
    if (first !== undefined && !first.startsWith("/"))
      throw usage(`${first} is no path and no verb`);
    if (all || path !== null) throw usage("--all and --path go with replay and drop");
  } else {
    const given = [second !== undefined, all, path !== null].filter(Boolean).length;
    const choices =
      verb === "replay" ? "ID, --all or --path" : verb === "drop" ? "ID or --all" : "ID";
    const fits = verb === "show" ? second !== undefined : verb === "replay" || path === null;
    if (given !== 1 || !fits) throw usage(`dead ${verb} takes ${choices}`);
  }
  if (values.has("rate") && verb !== "replay") throw usage("--rate goes with replay");
  return {
    verb,
    id: verb === "list" ? null : (second ?? null),
    path: verb === "list" ? (first ?? null) : path,
    perSecond: rateOf(values.get("rate")),
  };
}

function rateOf(text: string | undefined): number {
  if (text === undefined) return RATE;
  const rate = Number(/^(\d{1,6})(\/s)?$/.exec(text)?.[1]);
  if (rate >= 1) return rate;
  throw usage(`--rate ${JSON.stringify(text)} is no rate`, "write --rate 10/s");
}

export const dead: Run = async (input, io) => {
  const asked = wanted(input);
  const json = input.flags.has("json");
  return withNode(input, io, async (client) => {
    const found = await perform(client, asked);
    if (json) io.out.write(jsonText(asked.verb === "show" ? found.letters[0] : found));
    else io.out.write(lines(asked, found, io).join("\n").concat("\n"));
    return found.failed === undefined ? 0 : 1;
  });
};

type Found = LettersView & { failed?: { id: string; message: string }[] };

async function perform(client: Client, asked: Wanted): Promise<Found> {
  const { verb, id, path } = asked;
  if (verb === "list") return client.letters(path === null ? { do: "list" } : { do: "list", path });
  if (verb === "show") return client.letters({ do: "show", letter: id as string });
  if (verb === "drop") return client.letters({ do: "drop", letter: id });
  if (id !== null) return client.letters({ do: "replay", letter: id });
  return replayMany(client, asked);
}

/** One after the other, oldest first; those that came after the first look stay. */
async function replayMany(client: Client, { path, perSecond }: Wanted): Promise<Found> {
  const view = await client.letters(path === null ? { do: "list" } : { do: "list", path });
  const done: LetterView[] = [];
  const failed: { id: string; message: string }[] = [];
  const began = performance.now();
  for (const [at, { id }] of view.letters.entries()) {
    const early = began + (at * 1_000) / perSecond - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    try {
      done.push(...(await client.letters({ do: "replay", letter: id })).letters);
    } catch (error) {
      // One whose actor is gone must not keep the others.
      failed.push({ id, message: (error as Error).message });
    }
  }
  const sums = { total: done.length, silent: view.silent, letters: done };
  return failed.length === 0 ? sums : { ...sums, failed };
}

const DONE = { replay: "replayed", drop: "dropped" } as const;

function lines({ verb }: Wanted, found: Found, io: Io): string[] {
  if (verb === "show") return full(found.letters[0] as LetterView, io);
  if (verb !== "list") {
    const failed = found.failed ?? [];
    const told = failed.map(({ id, message }) => `${id} stays: ${printableLines(message)}`);
    return [...told, `${plural(found.total, "dead letter")} ${DONE[verb]}`];
  }
  const rows = found.letters.map((each) => [
    each.id,
    ago(each.at),
    each.to,
    each.type,
    `from ${each.from || "nobody"}`,
    { text: each.reason },
  ]);
  const { length } = found.letters;
  const shown = found.total > length ? `, ${length} of them shown` : "";
  const silent = found.silent > 0 ? [`${plural(found.silent, "thread")} did not answer`] : [];
  return [...table(rows, io), ...silent, `${plural(found.total, "dead letter")}${shown}`];
}

const ago = (at: string) => `${age(Date.now() - Date.parse(at))} ago`;

function full(letter: LetterView, io: Io): string[] {
  const { id, at, to, from, type, reason, attempts, message } = letter;
  const rows = [
    ["letter", id],
    ["to", to],
    ["from", from || "nobody"],
    ["type", type],
    ["at", `${at}, ${ago(at)}`],
    ["reason", reason],
    ...(attempts > 0 ? [["deliveries", String(attempts)]] : []),
  ];
  return [...table(rows, io), "", printableLines(message)];
}
