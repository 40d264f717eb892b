/**
 * Owns: talking to a Firecracker through its socket: one HTTP request after the other, each with a deadline
 * and an answer of bounded length.
 * Does not own: which requests a machine needs (firecracker.ts).
 */
import { request } from "node:http";

/** Longest answer. @unit bytes */
const ANSWER_MAX = 65_536;

/** A request, as the documentation of Firecracker has it. */
export interface ApiRequest {
  readonly method: "GET" | "PUT" | "PATCH";
  readonly path: string;
  readonly body?: object;
}

/** The socket of one Firecracker. */
export class FirecrackerApi {
  readonly #socketPath: string;
  readonly #answerMs: number;

  /** @param answerMs an answer comes by then */
  constructor(socketPath: string, answerMs: number) {
    this.#socketPath = socketPath;
    this.#answerMs = answerMs;
  }

  /** @returns its answer, parsed @throws Error what it refused and why; that it said nothing, or is gone */
  async ask(asked: ApiRequest): Promise<unknown> {
    const fail = (why: string) => new Error(`Firecracker: ${asked.method} ${asked.path}: ${why}`);
    const { status, text } = await this.#exchange(asked).catch((thrown: Error) => {
      throw fail(thrown.message);
    });
    if (status === 204) return null;
    let said: unknown;
    try {
      said = JSON.parse(text);
    } catch {
      throw fail(`it answered ${status} with what is no JSON`);
    }
    if (status === 200) return said;
    const fault = (said as { fault_message?: unknown } | null)?.fault_message;
    throw fail(typeof fault === "string" ? fault : `it answered ${status}`);
  }

  #exchange({ method, path, body }: ApiRequest): Promise<{ status: number; text: string }> {
    const bytes = body === undefined ? "" : JSON.stringify(body);
    // It reads a length only, no chunks.
    const described = {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(bytes),
    };
    const headers = { Accept: "application/json", ...(body === undefined ? {} : described) };
    const socketPath = this.#socketPath;
    const answerMs = this.#answerMs;
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath, method, path, headers, agent: false });
      const timer = setTimeout(
        () => asked.destroy(new Error(`it said nothing for ${answerMs} ms`)),
        answerMs,
      );
      asked.once("error", reject);
      asked.once("close", () => {
        clearTimeout(timer);
        reject(new Error("it closed the connection")); // or is answered already
      });
      asked.once("response", (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length > ANSWER_MAX) asked.destroy(new Error("it said too much"));
        });
        response.once("error", reject);
        response.once("end", () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        });
      });
      asked.end(bytes);
    });
  }
}
