/**
 * Owns: `coppice image build`: the guests of the sandboxes, with progress on stderr.
 * Does not own: how they are built (tool/image-build.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { type Image, RUNTIMES, type Runtime } from "../tool/image.ts";
import { buildImage } from "../tool/image-build.ts";
import type { Run } from "./arguments.ts";
import type { Io } from "./terminal.ts";
import { jsonText } from "./words.ts";

const isRuntime = (word: string): word is Runtime => RUNTIMES.some((each) => each === word);

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

export const image: Run = async (input, io) => {
  const [verb, ...words] = input.operands;
  const fix = `write: coppice image build [${RUNTIMES.join(" | ")}]…`;
  if (verb !== "build") throw new ActorError("E_USAGE", `coppice image has no ${verb}`, { fix });
  const odd = words.find((each) => !isRuntime(each));
  if (odd !== undefined) throw new ActorError("E_USAGE", `${odd} is no runtime`, { fix });
  const wanted = words.length === 0 ? RUNTIMES : words.filter(isRuntime);
  const built: Image[] = [];
  for (const runtime of wanted) {
    built.push(await buildImage(runtime, { onProgress: progress(io, runtime) }));
    if (io.errTerminal) io.err.write("\r\u001b[K");
  }
  if (input.flags.has("json")) io.out.write(jsonText(built));
  else for (const { runtime, key, disk } of built) io.out.write(`${runtime}  ${key}  ${disk}\n`);
  return 0;
};
