/**
 * Owns: a thread of the pool from inside: imports the app, finds a tool by its name, runs it, and
 * says what came of it. piscina calls the default export, one call at a time.
 * Does not own: deadlines, and which call runs here (pool.ts).
 *
 * What `run` leaves behind must not disturb the next call: errors nobody caught surface before the
 * answer is given, and a thread with open timers or sockets is not used again.
 */
import { deserialize, serialize } from "node:v8";
import { parentPort, threadId } from "node:worker_threads";
import { isApp, visitSpecs } from "../actor/app.ts";
import { fromThrown } from "../actor/exit.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { PoolAnswer, PoolSaid, PoolTask } from "./pool-messages.ts";

const say = (said: PoolSaid) => parentPort?.postMessage(said);

/** Tools of the app by name, or why it cannot be imported. Asked once in a thread's life. */
let tools: Promise<Map<string, AnyTool> | string> | null = null;

async function importTools(url: string): Promise<Map<string, AnyTool> | string> {
  try {
    const module = (await import(url)) as { default?: unknown };
    const found = new Map<string, AnyTool>();
    if (!isApp(module.default)) return "its default export is no app";
    visitSpecs(module.default.root, (spec) => {
      if (spec.kind === "actor") for (const tool of spec.tools) found.set(tool.name, tool);
    });
    return found;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return why.split("\n")[0] ?? why;
  }
}

function answerOf(thrown: unknown): PoolAnswer {
  const reason = fromThrown(thrown);
  const { name, message, stack } = { stack: "", name: "Error", message: "it ended", ...reason };
  return { ok: false, error: { name, message, stack } };
}

async function runTool(tool: AnyTool, input: Uint8Array, key: string): Promise<Uint8Array> {
  let answer: PoolAnswer;
  try {
    if (typeof tool.run !== "function") throw new TypeError(`tool ${tool.name} is no function`);
    const value: unknown = await tool.run(
      deserialize(input),
      new AbortController().signal,
      key,
      () => {},
    );
    return serialize({ ok: true, value } satisfies PoolAnswer);
  } catch (thrown) {
    answer = answerOf(thrown);
  }
  return serialize(answer);
}

/** Does a timer, socket or file keep this thread alive that did not `before`? */
function leftOpen(before: readonly string[]): boolean {
  const known = [...before];
  return process.getActiveResourcesInfo().some((each) => {
    const at = known.indexOf(each);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** One call. The answer is opaque on its way: only the thread of the actor reads it. */
export default async function call({ call, app, tool, key, input }: PoolTask): Promise<Uint8Array> {
  say({ call, kind: "taken", thread: threadId });
  tools ??= importTools(app);
  const found = await tools;
  // Never to return: the pool ends this thread when it hears it.
  if (typeof found === "string") return stay({ call, kind: "broken", why: found });
  const value = found.get(tool);
  if (value === undefined) return stay({ call, kind: "unknown" });
  await turn();
  const before = process.getActiveResourcesInfo();
  say({ call, kind: "began" });
  const answer = await runTool(value, input, key);
  await turn();
  return leftOpen(before) ? stay({ call, kind: "spent", answer }) : answer;
}

function stay(said: PoolSaid): Promise<never> {
  say(said);
  return new Promise(() => {});
}
