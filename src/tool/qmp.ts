/**
 * Owns: talking to QEMU's control channel: commands in order, their answers, lines of bounded length.
 * Does not own: which commands a template or a clone needs (template.ts).
 */
import type { Duplex } from "node:stream";

/** Longest line of QEMU. @unit bytes */
const LINE_MAX = 65_536;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (why: Error) => void;
}

/** The control channel of one QEMU. */
export class Control {
  readonly #socket: Duplex;
  readonly #waiting: Waiting[] = [];
  #text = "";
  #ended: Error | null = null;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(bytes.toString("latin1")));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.#end(new Error("QEMU ended")));
    this.command("qmp_capabilities").catch(() => {}); // the next command fails too
  }

  /** Commands may be given without waiting: QEMU does them in order. @throws Error QEMU's answer */
  command(execute: string, args?: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) return reject(this.#ended);
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
  }

  #read(text: string): void {
    this.#text += text;
    for (let at = this.#text.indexOf("\n"); at >= 0; at = this.#text.indexOf("\n")) {
      const line = this.#text.slice(0, at);
      this.#text = this.#text.slice(at + 1);
      if (line.trim() !== "") this.#answer(line);
    }
    if (this.#text.length > LINE_MAX) this.#end(new Error("QEMU said too long a line"));
  }

  #answer(line: string): void {
    let said: { return?: unknown; error?: { desc?: string } };
    try {
      said = JSON.parse(line);
    } catch {
      return this.#end(new Error("QEMU said what is no JSON"));
    }
    if ("return" in said) this.#waiting.shift()?.resolve(said.return);
    else if (said.error) this.#waiting.shift()?.reject(new Error(`QEMU: ${said.error.desc}`));
  }

  #end(why: Error): void {
    this.#ended ??= why;
    for (const each of this.#waiting.splice(0)) each.reject(this.#ended);
  }
}
