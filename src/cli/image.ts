/**
 * Owns: `coppice image`: building the guests of the sandboxes, with progress on stderr; what lies in their
 * folder, and removing it.
 * Does not own: how they are built (tool/image-build.ts), what is in use (tool/image-store.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { nearest } from "../actor/names.ts";
import { type Image, RUNTIMES, type Runtime } from "../tool/image.ts";
import { buildImage } from "../tool/image-build.ts";
import { type Pruned, pruneImages, removeImages, storedImages } from "../tool/image-store.ts";
import type { Input, Run } from "./arguments.ts";
import { type Cell, type Io, table } from "./terminal.ts";
import { jsonText, plural } from "./words.ts";

const isRuntime = (word: string): word is Runtime => RUNTIMES.some((each) => each === word);
const usage = (fact: string, fix: string) => new ActorError("E_USAGE", fact, { fix });
const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;

/** One line that is written over on a terminal; one line a step elsewhere. */
function progress(io: Io, runtime: Runtime) {
  let last = "";
  return (step: string, at?: { phase: string; done: number; total: number }) => {
    const line = `${runtime}: ${step}`;
    if (io.errTerminal) {
      const counted = at ? `, ${at.phase} ${at.done} of ${at.total}` : "";
      io.err.write(`\r\u001b[K${line}${counted}`);
    } else if (line !== last) io.err.write(`${line}\n`);
    last = line;
  };
}

const build: Verb = async (words, input, io) => {
  const fix = `write: coppice image build [${RUNTIMES.join(" | ")}]…`;
  const odd = words.find((each) => !isRuntime(each));
  if (odd !== undefined) throw usage(`${odd} is no runtime`, fix);
  const wanted = words.length === 0 ? RUNTIMES : words.filter(isRuntime);
  const built: Image[] = [];
  for (const runtime of wanted) {
    built.push(await buildImage(runtime, { onProgress: progress(io, runtime) }));
    if (io.errTerminal) io.err.write("\r\u001b[K");
  }
  if (input.flags.has("json")) return jsonText(built);
  return built.map(({ runtime, key, disk }) => `${runtime}  ${key}  ${disk}\n`).join("");
};

const STATES = {
  ready: "ready",
  other: "of another version of Coppice",
  unnamed: "not found by any version",
} as const;

const list: Verb = async (words, input, io) => {
  if (words.length > 0) throw usage(`${words[0]} is too much`, "write: coppice image list");
  const images = storedImages();
  if (input.flags.has("json")) return jsonText(images);
  const right = (text: string) => ({ text, right: true });
  const rows = images.map(({ name, bytes, state, users }): Cell[] => {
    const by = users.length === 0 ? "" : `in use by ${users.join(", ")}`;
    return [name, right(megabytes(bytes)), STATES[state], by];
  });
  const head: Cell[] = ["IMAGE", right("SIZE"), "STATE", ""];
  const sum = images.reduce((all, { bytes }) => all + bytes, 0);
  const lines = [
    ...table([head, ...rows], io),
    `${plural(rows.length, "image")}, ${megabytes(sum)}`,
  ];
  return `${lines.join("\n")}\n`;
};

function told(removed: readonly Pruned[], input: Input): string {
  if (input.flags.has("json")) return jsonText(removed);
  const lines = removed.map(
    ({ name, bytes }) => `removed ${name}${bytes ? `  ${megabytes(bytes)}` : ""}\n`,
  );
  return lines.length === 0 ? "nothing to remove\n" : lines.join("");
}

const remove: Verb = async (words, input) => {
  const fix =
    "write: coppice image remove NAME…, a name of coppice image list, or node, python3, sh";
  if (words.length === 0) throw usage("coppice image remove needs a NAME", fix);
  return told(words.flatMap(removeImages), input);
};

const prune: Verb = async (words, input) => {
  if (words.length > 0)
    throw usage(`${words[0]} is too much`, "write: coppice image prune [--others]");
  return told(pruneImages(input.flags.has("others")), input);
};

/** @returns what is printed */
type Verb = (words: readonly string[], input: Input, io: Io) => Promise<string>;
const VERBS: Readonly<Record<string, Verb>> = { build, list, remove, prune };

export const image: Run = async (input, io) => {
  const [verb = "", ...words] = input.operands;
  const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  const verbs = Object.keys(VERBS);
  if (run === undefined) {
    const meant = nearest(verb, verbs);
    const hint = `use one of: ${verbs.join(", ")}`;
    const fix = meant === undefined ? hint : `did you mean ${meant}? ${hint}`;
    throw usage(`coppice image has no ${verb}`, fix);
  }
  if (input.flags.has("others") && run !== prune) {
    throw usage(`coppice image ${verb} has no option --others`, "it belongs to prune");
  }
  io.out.write(await run(words, input, io));
  return 0;
};
