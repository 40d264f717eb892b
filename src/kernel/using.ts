/**
 * Owns: ctx.use: a tool call that leaves with the commit of what came before it, ends with the
 * actor, and whose result is recorded. Does not own: grants, schemas, sandboxes (tool/broker.ts).
 *
 * It counts as an effect of its message: so a rerun knows that an earlier run has let it go, and a
 * call whose answer was lost is not simply made again.
 */
import type { UseOptions } from "../actor/context.ts";
import { outcomeError } from "../actor/outcome.ts";
import type { AnyTool } from "../actor/tool.ts";
import { answerOf } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { guarded } from "./effects.ts";
import { answeredBefore, released } from "./journal.ts";
import { Pending } from "./pending.ts";
import type { Answer, Decided, ToolCall, ToolEnd } from "./ports.ts";
import type { Verbs } from "./verbs.ts";

/** Calls a tool after the commit of what came before it. */
export function use(
  verbs: Verbs,
  cell: Cell,
  tool: AnyTool,
  input: unknown,
  { output }: UseOptions,
): Promise<unknown> {
  const { kernel, path, spec } = cell;
  const key = `${path}/${verbs.mail?.seq || `${cell.life}.${cell.handled}`}/${verbs.steps}`;
  const pending = new Pending(verbs, cell, "", { verb: "effect", name: `use ${tool.name}` });
  const again = ++verbs.effects <= released(cell, verbs);
  if (answeredBefore(pending)) return pending.promise;
  const id = kernel.asks.expect(pending);
  const say = output && {
    output: (chunk: unknown) => {
      if (!kernel.asks.expects(id)) return;
      kernel.send(kernel.mail(output.to.path, output.type, chunk, path, 0), null);
    },
  };
  const call = {
    spec,
    path,
    tool,
    input,
    key,
    again,
    output: null,
    ...say,
    ...doors(cell, tool, key),
  };
  const run = () => {
    // Its actor may have ended while the commit was under way.
    if (kernel.asks.expects(id)) start(cell, id, { ...call, signal: cell.more.abort().signal });
  };
  if (cell.slice === null) run();
  else cell.collect({ kind: "run", run: () => cell.later(run) });
  return pending.promise;
}

/** What a call may do besides running: ask an actor, and make known what was decided. */
function doors({ kernel, path }: Cell, { name: tool }: AnyTool, key: string) {
  return {
    ask: (to: string, type: string, message: unknown, ms: number) =>
      new Promise<Answer>((resolve) =>
        kernel.request(to, type, message, ms, (answer) => {
          kernel.loose = true;
          resolve(answer);
        }),
      ),
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
    (answer) => kernel.asks.answered(id, ended(cell, call, answer)),
  );
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
  if (end.tag === "ok") return { ok: true, value: end.value };
  return answerOf(end.cause ?? outcomeError(tool.name, end));
}
