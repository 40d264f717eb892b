/**
 * Owns: ctx.use: a tool call that leaves with the commit of what came before it, ends with the
 * actor, and whose result is recorded. Does not own: grants, schemas, sandboxes (tool/broker.ts).
 *
 * It counts as an effect of its message: so a rerun knows that an earlier run has let it go, and a
 * call whose answer was lost is not simply made again.
 */
import type { NearLimit } from "../actor/books.ts";
import type { UseOptions } from "../actor/context.ts";
import { ActorError, shown } from "../actor/errors.ts";
import { onlyKnown } from "../actor/names.ts";
import { outcomeError } from "../actor/outcome.ts";
import type { AnyTool } from "../actor/tool.ts";
import { answerOf } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { guarded, keyOf } from "./effects.ts";
import { answeredBefore, released } from "./journal.ts";
import { tellLost } from "./lost-sandbox.ts";
import { Pending } from "./pending.ts";
import type { Answer } from "./ports.ts";
import type { Decided, ToolCall, ToolEnd } from "./tools.ts";
import type { Verbs } from "./verbs.ts";

/** Counts a step of this life. @throws what ends the actor when it has made too many */
export function step(verbs: Verbs, cell: Cell): void {
  const { more, spec } = cell;
  const limit = spec.quota?.steps ?? Number.POSITIVE_INFINITY;
  if (more.steps++ < limit) return;
  const reason = { tag: "quota", resource: "steps", limit, used: limit } as const;
  throw verbs.more.doom(reason);
}

const noTool = (value: unknown, path: string) =>
  new ActorError("E_TOOL_DENIED", `${shown(value)} is no tool`, {
    at: `${path}, ctx.use`,
    fix: "pass what tool() or model() made",
  });

/** Calls a tool after the commit of what came before it. */
export function use(
  verbs: Verbs,
  cell: Cell,
  tool: AnyTool,
  input: unknown,
  options: UseOptions,
): Promise<unknown> {
  const { kernel, path, spec } = cell;
  const { output } = onlyKnown(options, { output: true }, `${path}, ctx.use`);
  if (tool?.kind !== "tool") throw noTool(tool, path);
  step(verbs, cell);
  const keyed = keyOf(verbs, cell);
  const pending = new Pending(verbs, cell, "", { verb: "effect", name: `use ${tool.name}` });
  const again = ++verbs.more.effects <= released(cell, verbs);
  if (answeredBefore(pending)) return pending.promise;
  const id = kernel.asks.expect(pending);
  const say = output && {
    output: (chunk: unknown) => {
      if (!kernel.asks.expects(id)) return;
      kernel.send(kernel.mail(output.to.path, output.type, chunk, path, 0), null);
    },
  };
  const run = () => {
    // Its actor may have ended while the commit was under way.
    if (!kernel.asks.expects(id)) return;
    const key = keyed();
    const call = { spec, path, tool, input, key, again, output: null, ...say };
    const { signal } = cell.more.abort();
    start(cell, id, { ...call, ...doors(cell, tool, key), signal });
  };
  if (cell.slice === null) run();
  else cell.collect({ kind: "run", run: () => cell.later(run) });
  return pending.promise;
}

/** What a call may do besides running: ask an actor, and make known what was decided. */
function doors(cell: Cell, { name: tool }: AnyTool, key: string) {
  const { kernel, path } = cell;
  return {
    ask: (to: string, type: string, message: unknown, ms: number) =>
      new Promise<Answer>((resolve) =>
        kernel.request(to, type, message, ms, (answer) => {
          kernel.loose = true;
          resolve(answer);
        }),
      ),
    work: () => {
      const { more } = cell;
      const { reductions, steps } = more.reported;
      more.reported = { reductions: cell.reductions, steps: more.steps };
      return { reductions: cell.reductions - reductions, steps: more.steps - steps };
    },
    near: ({ path: account, tell, ...rest }: NearLimit) => {
      kernel.emit({ type: "quota_near", path, account, ...rest });
      if (cell.status === "exited" || cell.behaviour.messages[tell] === undefined) return;
      kernel.send(kernel.mail(path, tell, { path: account, ...rest }, path, 0), null);
    },
    decided: (decided: Decided) => {
      const fact = { type: "decided", path, tool, key, ...decided } as const;
      kernel.emit(fact);
      kernel.tools.audit?.(fact);
    },
  };
}

function start(cell: Cell, id: number, call: ToolCall): void {
  const { kernel } = cell;
  guarded(
    cell,
    () => kernel.tools.call(call),
    (answer) => {
      const quota = answer.ok ? (answer.value as ToolEnd).quota : undefined;
      const own = kernel.asks.expects(id);
      if (own && answer.ok) tellLost(cell, call, answer.value as ToolEnd);
      const said = ended(cell, call, answer);
      // Not an answer that is recorded: with a higher quota the message is handled after all.
      if (quota !== undefined && own) overspent(cell, id, quota);
      else kernel.asks.answered(id, said);
    },
  );
}

/** Calls of an actor that inspection can show. */
const LAST_MAX = 10;

function count(cell: Cell, tool: string, { tag, tier, usage }: ToolEnd): void {
  const zero = {
    last: [],
    calls: 0,
    failed: 0,
    wallMs: 0,
    cpuMs: 0,
    memoryBytes: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  cell.more.tools ??= zero;
  const { tools } = cell.more;
  const atMs = cell.kernel.nowMs;
  if (tools.last.push({ tool, end: tag, tier, atMs, ...usage }) > LAST_MAX) tools.last.shift();
  tools.calls++;
  if (tag !== "ok") tools.failed++;
  tools.wallMs += usage.wallMs;
  tools.cpuMs += usage.cpuMs ?? 0;
  tools.memoryBytes = Math.max(tools.memoryBytes, usage.memoryBytes ?? 0);
  tools.bytesIn += usage.bytesIn;
  tools.bytesOut += usage.bytesOut;
}

/** The handler does not go on: what it has not committed is cut back, and its message comes again. */
function overspent(cell: Cell, id: number, quota: NonNullable<ToolEnd["quota"]>): void {
  const { active } = cell;
  cell.kernel.asks.abandon(id);
  if (active === null) return;
  active.more.doom({ tag: "quota", ...quota });
  cell.signals.push({ kind: "settled", verbs: active, ok: true, value: undefined });
  cell.kernel.schedule(cell);
}

/** The outcome as a fact for all, and as the answer for the handler. */
function ended(cell: Cell, { tool, key }: ToolCall, answer: Answer): Answer {
  // The broker does not reject; what it throws is an error of its own.
  if (!answer.ok) return answer;
  const end = answer.value as ToolEnd;
  const { tier, usage } = end;
  cell.kernel.emit({
    type: "used",
    path: cell.path,
    tool: tool.name,
    key,
    end: end.tag,
    tier,
    usage,
  });
  count(cell, tool.name, end);
  if (end.tag === "ok") return { ok: true, value: end.value };
  return answerOf(end.cause ?? outcomeError(tool.name, end));
}
