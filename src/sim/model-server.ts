/**
 * Owns: a chat server that says what a script says, for tests and examples without a model. It is no
 * model and says so: each answer names the model `scripted` and carries `x-scripted: 1`.
 * Does not own: asking it (tool/model-client.ts).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One answer of the script. */
export interface ScriptedReply {
  text?: string;
  toolCalls?: readonly { name: string; arguments: unknown }[];
  /** @default words of the request and of the answer */
  usage?: { input: number; output: number } | null;
  /** Another status than 200: an error, with these headers. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Waits before it answers. @unit ms of real time */
  delayMs?: number;
  /** Breaks the connection after so many pieces. */
  breakAfter?: number;
}

/** What a server of {@link scriptedModel} was asked. */
export interface ScriptedRequest {
  readonly headers: IncomingMessage["headers"];
  readonly body: {
    readonly model: string;
    readonly messages: readonly { role: string; content: string }[];
    readonly [key: string]: unknown;
  };
}

/** A running one. */
export interface ScriptedModel extends AsyncDisposable {
  /** For `baseUrl`. */
  readonly url: string;
  readonly requests: readonly ScriptedRequest[];
  close(): Promise<void>;
}

const REQUEST_MAX = 16 * 1_048_576;
const words = (text: string) => text.split(/\s+/).filter((each) => each !== "").length;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) {
    text += String(part);
    if (text.length > REQUEST_MAX) throw new Error("the request is too long");
  }
  return text;
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

/** The pieces of an answer: a word each, then the calls, then why it ended, then the usage. */
function* chunks(reply: ScriptedReply, asked: string): Generator<string> {
  const { text = "", toolCalls = [], usage } = reply;
  const base = { id: "scripted", object: "chat.completion.chunk", created: 0, model: "scripted" };
  const piece = (delta: object, finish_reason: string | null = null) =>
    event({ ...base, choices: [{ index: 0, delta, finish_reason }] });
  for (const word of text.match(/\S+\s*|\s+/g) ?? []) yield piece({ content: word });
  for (const [index, { name, arguments: args }] of toolCalls.entries()) {
    const call = { index, id: `call_${index}`, type: "function" };
    yield piece({ tool_calls: [{ ...call, function: { name, arguments: "" } }] });
    yield piece({ tool_calls: [{ index, function: { arguments: JSON.stringify(args) } }] });
  }
  yield piece({}, toolCalls.length > 0 ? "tool_calls" : "stop");
  if (usage !== null) {
    const { input, output } = usage ?? { input: words(asked), output: Math.max(1, words(text)) };
    const counts = {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
    };
    yield event({ ...base, choices: [], usage: counts });
  }
  yield "data: [DONE]\n\n";
}

async function answer(reply: ScriptedReply, asked: string, response: ServerResponse) {
  const { status = 200, headers = {}, delayMs = 0, breakAfter } = reply;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  const own = { "x-scripted": "1", ...headers };
  if (status !== 200) {
    response.writeHead(status, { "content-type": "application/json", ...own });
    const error = { message: reply.text ?? "the script says no", type: "scripted" };
    return void response.end(JSON.stringify({ error }));
  }
  response.writeHead(200, { "content-type": "text/event-stream", ...own });
  let sent = 0;
  for (const each of chunks(reply, asked)) {
    if (sent++ === breakAfter) return void response.destroy();
    response.write(each);
  }
  response.end();
}

/**
 * Starts a server on the loopback that answers with the script, one reply after the other, then the
 * last one again and again; or with what a function makes of the request and its number.
 *
 * @example await using server = await scriptedModel([{ text: "Hello!" }]);
 *   const gpt = model({ baseUrl: server.url, model: "scripted", price: { input: 1, output: 2 } });
 */
export async function scriptedModel(
  script: readonly ScriptedReply[] | ((request: ScriptedRequest, number: number) => ScriptedReply),
): Promise<ScriptedModel> {
  const requests: ScriptedRequest[] = [];
  const replyTo = (request: ScriptedRequest): ScriptedReply => {
    const number = requests.push(request) - 1;
    if (typeof script === "function") return script(request, number);
    return script[Math.min(number, script.length - 1)] ?? { status: 500, text: "an empty script" };
  };
  const server = createServer(async (request, response) => {
    try {
      const text = await bodyOf(request);
      const body = JSON.parse(text) as ScriptedRequest["body"];
      const asked = body.messages.map((each) => each.content).join(" ");
      await answer(replyTo({ headers: request.headers, body }), asked, response);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const url = `http://127.0.0.1:${port}/v1`;
  return { url, requests, close, [Symbol.asyncDispose]: close };
}
