/**
 * Owns: model(): a chat model behind an OpenAI-compatible server as a tool, with a price.
 * Does not own: the conversation with the server (model-client.ts), quotas (ledger.ts), retries (broker.ts).
 */
import { z } from "zod";
import { ActorError, shown } from "../actor/errors.ts";
import { type Names, onlyKnown } from "../actor/names.ts";
import type { Pace } from "../actor/pace.ts";
import { settings } from "../actor/settings.ts";
import { type Spend, type ToolValue, tool } from "../actor/tool.ts";
import type { Duration } from "../actor/units.ts";

/** A call of a function that the model wants; `arguments` is JSON as the model wrote it: check it. */
const toolCall = z.object({ id: z.string(), name: z.string(), arguments: z.string() });

const message = z.discriminatedUnion("role", [
  z.object({ role: z.literal("system"), content: z.string() }),
  z.object({ role: z.literal("user"), content: z.string() }),
  z.object({
    role: z.literal("assistant"),
    content: z.string(),
    toolCalls: z.array(toolCall).optional(),
  }),
  z.object({ role: z.literal("tool"), content: z.string(), toolCallId: z.string() }),
]);

/** What a model is asked. */
const modelInput = z.object({
  messages: z.array(message),
  /** Functions it may want called; `parameters` is a JSON schema, as of `z.toJSONSchema`. */
  tools: z
    .array(
      z.object({
        name: z.string(),
        description: z.string(),
        parameters: z.record(z.string(), z.unknown()),
      }),
    )
    .optional(),
  /** Less than the tool's own limit. */
  maxTokens: z.number().int().min(1).optional(),
  temperature: z.number().optional(),
});

/** What it says. */
const modelOutput = z.object({
  text: z.string(),
  toolCalls: z.array(toolCall),
  /** Why it stopped: `stop`, `length`, `tool_calls` … */
  finish: z.string(),
  /** Tokens as the server has counted them; null: it did not say, so the most is charged. */
  usage: z.object({ input: z.number(), output: z.number() }).nullable(),
});

export type ModelInput = z.infer<typeof modelInput>;
export type ModelOutput = z.infer<typeof modelOutput>;

/** What {@link model} is told. */
export interface ModelOptions extends Pace {
  /** @default "model" */
  name?: string;
  /** Where the server's API begins, `https://…/v1`. */
  baseUrl: string;
  /** The server's name for the model. */
  model: string;
  /** Name of the environment variable that holds the key; read when it is called. @default none */
  apiKeyEnv?: string;
  /** @unit USD for a million tokens */
  price: { input: number; output: number };
  /** Longest answer. @unit tokens @default 1_024 */
  maxTokens?: number;
  /** Longest time of one attempt. @default "60s" */
  timeout?: Duration;
}

const OPTIONS: Names<ModelOptions> = {
  name: true,
  baseUrl: true,
  model: true,
  apiKeyEnv: true,
  price: true,
  maxTokens: true,
  timeout: true,
  concurrency: true,
  rate: true,
  maxQueue: true,
  breaker: true,
  retries: true,
};

/** The same, complete: what the client needs. */
export interface ModelSettings {
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKeyEnv: string | null;
  readonly maxTokens: number;
  readonly timeoutMs: number;
}

const encoder = new TextEncoder();
/** What a server may add to a conversation and to each of its parts. @unit tokens */
const FRAME = 256;

/** No token is less than a byte: so many there are at most. */
function mostInput({ messages, tools = [] }: ModelInput): number {
  return encoder.encode(JSON.stringify([messages, tools])).length + FRAME * (messages.length + 1);
}

function priceOf(price: ModelOptions["price"], at: string) {
  const { input, output } = onlyKnown(price, { input: true, output: true }, `${at}, price`);
  for (const each of [input, output]) {
    if (!(each >= 0 && each <= 1e6)) throw settings.outside("price", each, 0, 1e6, at);
  }
  // A dollar for a million tokens is a micro-dollar for one.
  return (inTokens: number, outTokens: number): Spend => ({
    tokens: inTokens + outTokens,
    microUsd: Math.ceil(inTokens * input + outTokens * output),
  });
}

function checkUrl(url: string, at: string): string {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new ActorError("E_SPEC_STRATEGY", `baseUrl: ${shown(url)} is no URL`, {
    at,
    fix: "give where its API begins: https://example.org/v1",
  });
}

/**
 * A chat model as a tool: streamed, its tokens and money counted in the quotas above the caller, tried
 * again when the server is busy (as it says in `Retry-After`). Needs the package `openai`.
 *
 * @example const gpt = model({ baseUrl: "https://api.openai.com/v1", model: "gpt-5-mini",
 *   apiKeyEnv: "OPENAI_API_KEY", price: { input: 0.25, output: 2 } })
 * @throws E_SPEC_ID E_SPEC_RANGE E_SPEC_SETTING E_SPEC_STRATEGY E_UNITS
 */
export function model(options: ModelOptions): ToolValue<ModelInput, ModelOutput> {
  const { name = "model", ...rest } = onlyKnown(options, OPTIONS, "model()");
  const { baseUrl, model, apiKeyEnv, price, timeout, maxTokens, retries = 3, ...pace } = rest;
  const at = `model ${name}`;
  if (typeof model !== "string" || model === "") {
    throw new ActorError("E_SPEC_STRATEGY", `model: ${shown(model)} is no name`, {
      at,
      fix: "give the server's name for the model",
    });
  }
  const own: ModelSettings = {
    baseUrl: checkUrl(baseUrl, at),
    model,
    apiKeyEnv: apiKeyEnv ?? null,
    maxTokens: settings.integer(maxTokens, 1_024, [1, 10_000_000], "maxTokens", at),
    timeoutMs: settings.period(timeout, 60_000, "timeout", at),
  };
  const spend = priceOf(price, at);
  const limitOf = (input: ModelInput) => Math.min(input.maxTokens ?? own.maxTokens, own.maxTokens);
  const most = (input: ModelInput) => spend(mostInput(input), limitOf(input));
  return tool(name, {
    ...pace,
    input: modelInput,
    output: modelOutput,
    // A second answer costs again, and is charged; it does no harm beside that.
    idempotent: true,
    retries,
    cost: {
      most,
      spent: ({ usage }, input) =>
        usage === null ? most(input) : spend(usage.input, usage.output),
    },
    async run(input, signal, key, print) {
      const { chat } = await import("./model-client.ts");
      return chat(own, { ...input, maxTokens: limitOf(input) }, signal, key, print);
    },
  });
}
