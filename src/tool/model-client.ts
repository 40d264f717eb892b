/**
 * Owns: one streamed conversation with an OpenAI-compatible server, and what its errors mean: what
 * was spent, whether it is worth another try, and when. Does not own: trying again (broker.ts).
 */
import type OpenAI from "openai";
import { ActorError } from "../actor/errors.ts";
import type { Spend } from "../actor/tool.ts";
import type { ModelInput, ModelOutput, ModelSettings } from "./model.ts";

type Messages = OpenAI.Chat.ChatCompletionMessageParam[];
type Chunk = OpenAI.Chat.ChatCompletionChunk;

const TEXT_MAX = 500;

/** What the broker reads in an error besides its words. */
interface Verdict {
  /** Absent: nobody knows, so the most is counted. */
  spent?: Spend;
  /** Is another try of any use? */
  retry?: boolean;
  /** When, as the server says. @unit ms */
  retryAfterMs?: number;
}

const failed = (fact: string, fix: string, verdict: Verdict) =>
  Object.assign(new ActorError("E_MODEL", fact, { fix }), verdict);

const clients = new Map<string, Promise<OpenAI>>();
const CLIENTS_MAX = 100;

/** The client of a server; made once a thread. @throws E_PEER_MISSING E_MODEL */
function clientOf({ baseUrl, apiKeyEnv, timeoutMs }: ModelSettings): Promise<OpenAI> {
  const apiKey = apiKeyEnv === null ? "none" : process.env[apiKeyEnv];
  if (apiKey === undefined || apiKey === "") {
    const fact = `the environment variable ${apiKeyEnv} is not set`;
    throw failed(fact, "set it to the server's key, outside of the app module", {
      spent: {},
      retry: false,
    });
  }
  const name = `${baseUrl} ${apiKey} ${timeoutMs}`;
  const known = clients.get(name);
  if (known !== undefined) return known;
  if (clients.size >= CLIENTS_MAX) clients.clear();
  const made = load().then(
    (OpenAI) => new OpenAI({ baseURL: baseUrl, apiKey, timeout: timeoutMs, maxRetries: 0 }),
  );
  clients.set(name, made);
  made.catch(() => clients.delete(name));
  return made;
}

async function load(): Promise<typeof OpenAI> {
  try {
    return (await import("openai")).default;
  } catch (cause) {
    const error = new ActorError("E_PEER_MISSING", "a model needs the package openai", {
      fix: "npm install openai",
      cause,
    });
    throw Object.assign(error, { spent: {}, retry: false });
  }
}

function messagesOf({ messages }: ModelInput): Messages {
  return messages.map((each) => {
    if (each.role === "tool") {
      return { role: "tool", content: each.content, tool_call_id: each.toolCallId };
    }
    if (each.role !== "assistant" || !each.toolCalls?.length) {
      return { role: each.role, content: each.content };
    }
    const tool_calls = each.toolCalls.map(({ id, name, arguments: args }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: args },
    }));
    return { role: "assistant", content: each.content, tool_calls };
  });
}

/** An answer while it comes. */
class Answer {
  text = "";
  finish = "";
  usage: ModelOutput["usage"] = null;
  readonly #calls = new Map<number, { id: string; name: string; arguments: string }>();

  /** @returns the text that is new */
  add({ choices, usage }: Chunk): string {
    if (usage) this.usage = { input: usage.prompt_tokens, output: usage.completion_tokens };
    const [choice] = choices;
    if (choice?.finish_reason) this.finish = choice.finish_reason;
    for (const part of choice?.delta?.tool_calls ?? []) {
      const call = this.#calls.get(part.index) ?? { id: "", name: "", arguments: "" };
      call.id ||= part.id ?? "";
      call.name += part.function?.name ?? "";
      call.arguments += part.function?.arguments ?? "";
      this.#calls.set(part.index, call);
    }
    const more = choice?.delta?.content ?? "";
    this.text += more;
    return more;
  }

  get output(): ModelOutput {
    const { text, finish, usage } = this;
    return { text, finish, usage, toolCalls: [...this.#calls.values()] };
  }
}

/** Asks, and tells what comes while it comes. @throws ActorError E_MODEL timeout E_PEER_MISSING */
export async function chat(
  settings: ModelSettings,
  input: ModelInput,
  signal: AbortSignal,
  key: string,
  print: (text: string) => void,
): Promise<ModelOutput> {
  const client = await clientOf(settings);
  const late = AbortSignal.timeout(settings.timeoutMs);
  const answer = new Answer();
  let begun = false;
  try {
    const stream = await client.chat.completions.create(
      {
        model: settings.model,
        messages: messagesOf(input),
        max_completion_tokens: input.maxTokens ?? settings.maxTokens,
        stream: true,
        stream_options: { include_usage: true },
        ...(input.temperature === undefined ? {} : { temperature: input.temperature }),
        ...(input.tools?.length
          ? { tools: input.tools.map((each) => ({ type: "function" as const, function: each })) }
          : {}),
      },
      { signal: AbortSignal.any([signal, late]), headers: { "Idempotency-Key": key } },
    );
    begun = true;
    for await (const chunk of stream) {
      const text = answer.add(chunk);
      if (text !== "") print(text);
    }
  } catch (thrown) {
    throw verdictOf(thrown, settings, begun, signal, late);
  }
  // An answer that breaks off looks like one that has ended, but for this.
  if (answer.finish !== "") return answer.output;
  throw failed(`model ${settings.model}: its answer broke off`, "try again", { retry: true });
}

/** Seconds, or a date, until the server wants to be asked again. @unit ms */
function retryAfter(headers: Headers | undefined): number | undefined {
  const ms = Number(headers?.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms)) return ms;
  const text = headers?.get("retry-after");
  if (!text) return undefined;
  const seconds = Number(text);
  const until = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(until) ? Math.max(0, until) : undefined;
}

/** Servers repeat keys in what they say about them. */
function withoutKey(text: string, { apiKeyEnv }: ModelSettings): string {
  const key = apiKeyEnv === null ? undefined : process.env[apiKeyEnv];
  const cut = key ? text.replaceAll(key, "(key)") : text;
  return cut.replace(/\b(sk|key)-[\w*.-]{4,}/g, "(key)").slice(0, TEXT_MAX);
}

function verdictOf(
  thrown: unknown,
  settings: ModelSettings,
  begun: boolean,
  signal: AbortSignal,
  late: AbortSignal,
): unknown {
  if (signal.aborted) return thrown;
  const { status, headers, message } = thrown as {
    status?: number;
    headers?: Headers;
    message: string;
  };
  const who = `model ${settings.model}`;
  if (late.aborted) {
    const fix = "give it a longer timeout, or ask for less";
    return new ActorError("timeout", `${who} was ended after its ${settings.timeoutMs} ms`, {
      fix,
    });
  }
  const said = withoutKey(String(message), settings);
  if (status === undefined) {
    // Before the stream has begun nothing was sent back; what was billed then nobody knows.
    return failed(`${who} cannot be reached: ${said}`, "look at baseUrl and the network", {
      retry: true,
      ...(begun ? {} : refusedAtOnce(thrown)),
    });
  }
  const busy = status === 408 || status === 409 || status === 429 || status >= 500;
  const after = retryAfter(headers);
  return failed(
    `${who} answered ${status}: ${said}`,
    busy ? "try again later" : "mend the request",
    {
      spent: {},
      retry: busy,
      ...(after === undefined ? {} : { retryAfterMs: after }),
    },
  );
}

const REFUSED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"]);

/** No connection, no bill. */
function refusedAtOnce(thrown: unknown): Verdict {
  for (let each = thrown, depth = 0; each && depth < 5; depth++) {
    const { code, cause } = each as { code?: string; cause?: unknown };
    if (code !== undefined && REFUSED.has(code)) return { spent: {} };
    each = cause;
  }
  return {};
}
