/**
 * Owns: one conversation with a running node over its inspection socket: requests out, answers
 * checked against the schemas they must have.
 * Does not own: which node (observe/nodes.ts), what is done with the answers.
 */
import { createConnection, type Socket } from "node:net";
import { z } from "zod";
import { ActorError, type ErrorCode } from "../actor/errors.ts";
import {
  answer,
  type BudgetView,
  budget,
  type Detail,
  findNode,
  type LetterRequest,
  type LettersView,
  lettersView,
  type NodeEntry,
  type NodeView,
  nodeView,
  processDetail,
  type Question,
  question,
  type RaiseRequest,
  type Request,
  type Said,
} from "../observe/inspect.ts";
import type { Input } from "./arguments.ts";
import { integerOption } from "./arguments.ts";
import type { Io } from "./terminal.ts";

/** Longest answer that is read; the server sends less. @unit characters */
const ANSWER_MAX = 128 * 1_048_576;
/** How long looking may take; the server says so itself a little earlier. @unit ms */
const LOOK_MS = 15_000;

export type Act = Extract<Request, { path: string; command: string }>["command"] extends infer C
  ? Exclude<C, "show">
  : never;

/** A node, as a command sees it. */
export interface Client {
  readonly entry: NodeEntry;
  /** @param childrenMax most children of each dynamic supervisor; all when absent */
  tree(childrenMax?: number): Promise<NodeView>;
  show(path: string): Promise<Detail>;
  act(command: Act, path: string): Promise<string>;
  letters(asked: LetterRequest): Promise<LettersView>;
  questions(): Promise<Question[]>;
  answer(said: Said): Promise<string>;
  budgets(raise: RaiseRequest | null): Promise<BudgetView[]>;
  close(): void;
}

/** Does something with the node that the command line means. @throws E_NODE_ABSENT, E_USAGE */
export async function withNode<T>(
  input: Input,
  io: Io,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const pid = integerOption(input, "pid", [1, 2 ** 31]);
  const entry = await findNode({ data: input.values.get("data"), pid, cwd: io.cwd });
  const client = await connect(entry);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Connects to a node. @throws E_NODE_ABSENT when it is gone */
export async function connect(entry: NodeEntry): Promise<Client> {
  const socket = await open(entry);
  const talk = new Talk(socket, entry);
  return {
    entry,
    tree: (childrenMax) => talk.ask(nodeView, { command: "tree", childrenMax }, LOOK_MS),
    show: (path) => talk.ask(processDetail, { command: "show", path }, LOOK_MS),
    questions: () => talk.ask(z.array(question), { command: "questions" }, LOOK_MS),
    answer: (said) => talk.ask(z.string(), { command: "answer", said }, LOOK_MS),
    budgets: (raise) => talk.ask(z.array(budget), { command: "budgets", raise }, LOOK_MS),
    act: (command, path) => talk.ask(z.string(), { command, path }),
    letters: (asked) => talk.ask(lettersView, { command: "letters", asked }, LOOK_MS),
    close: () => socket.destroy(),
  };
}

const gone = (entry: NodeEntry, what: string) =>
  new ActorError("E_NODE_ABSENT", `the node in process ${entry.pid} ${what}`, {
    at: entry.socket,
    fix: "coppice doctor lists the nodes that run; coppice run APP starts one",
  });

function open(entry: NodeEntry): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(entry.socket);
    const fail = (error: Error) => reject(gone(entry, `cannot be reached: ${error.message}`));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

type Body = {
  command: string;
  path?: string;
  childrenMax?: number | undefined;
  asked?: LetterRequest;
  said?: Said;
  raise?: RaiseRequest | null;
};

interface Waiting {
  resolve(value: unknown): void;
  reject(error: ActorError): void;
}

/** Requests by number, answers as they come. */
class Talk {
  readonly #socket: Socket;
  readonly #entry: NodeEntry;
  readonly #waiting = new Map<number, Waiting>();
  #parts: string[] = [];
  #length = 0;
  #last = 0;

  constructor(socket: Socket, entry: NodeEntry) {
    this.#socket = socket;
    this.#entry = entry;
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => this.#read(String(chunk)));
    socket.on("error", () => {});
    socket.on("close", () => this.#fail(gone(entry, "has gone away")));
  }

  async ask<S extends z.ZodType>(schema: S, body: Body, ms?: number): Promise<z.infer<S>> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const fact = `the node in process ${this.#entry.pid} does not answer`;
    const late = () => reject(new ActorError("timeout", fact, { fix: "is it stopped or busy?" }));
    const timer = ms === undefined ? undefined : setTimeout(late, ms);
    try {
      if (this.#socket.destroyed) throw gone(this.#entry, "has gone away");
      this.#socket.write(`${JSON.stringify({ id, ...body })}\n`);
      const parsed = schema.safeParse(await promise);
      if (parsed.success) return parsed.data;
      throw strange(parsed.error.issues[0]?.message);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #read(chunk: string): void {
    const lines = chunk.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#answered(this.#parts.join("") + line);
      this.#parts = [];
      this.#length = 0;
    }
    this.#parts.push(rest);
    this.#length += rest.length;
    if (this.#length <= ANSWER_MAX) return;
    this.#fail(strange(`more than ${ANSWER_MAX} characters`));
    this.#socket.destroy();
  }

  #answered(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return this.#fail(strange("no JSON"));
    }
    const parsed = answer.safeParse(value);
    if (!parsed.success) return this.#fail(strange(parsed.error.issues[0]?.message));
    // An error that answers no request (number 0) speaks of the whole conversation.
    if ("error" in parsed.data) {
      const { code, message, at, fix } = parsed.data.error;
      const details = { ...(at ? { at } : {}), ...(fix ? { fix } : {}) };
      const error = new ActorError(code as ErrorCode, message, details);
      if (parsed.data.id === 0) this.#fail(error);
      else this.#waiting.get(parsed.data.id)?.reject(error);
    } else this.#waiting.get(parsed.data.id)?.resolve(parsed.data.ok);
  }

  #fail(error: ActorError): void {
    for (const each of this.#waiting.values()) each.reject(error);
  }
}

const strange = (what = "something else") =>
  new ActorError("E_INTERNAL", `the node's answer is not understood: ${what}`, {
    fix: "use the coppice command of the same version as the node",
  });
