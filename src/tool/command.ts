/**
 * Owns: a command tool between values and bytes: the request that an input becomes, and the value
 * that its output becomes. Does not own: running it (sandbox.ts).
 */
import { ActorError } from "../actor/errors.ts";
import type { AnyTool, CommandRun, ToolFiles } from "../actor/tool.ts";
import { commandOf } from "../actor/tool.ts";
import type { IsolatedSpec, SandboxLimits } from "../actor/walls.ts";
import type { CommandOutput, SandboxFile, SandboxRequest } from "./sandbox.ts";

/** Arguments, files and stdin of one call. @unit bytes */
const INPUT_MAX = 64 * 1_048_576;
const FILES_MAX = 10_000;

const encoder = new TextEncoder();
const bytesOf = (value: string | Uint8Array) =>
  typeof value === "string" ? encoder.encode(value) : value;

const given = <T>(value: T | ((input: never) => T), input: unknown): T =>
  typeof value === "function" ? (value as (input: unknown) => T)(input) : value;

function refuse(tool: AnyTool, fact: string): ActorError {
  const fix = "change what the tool's run makes of its input";
  return new ActorError("E_MESSAGE_SCHEMA", `input of tool ${tool.name}: ${fact}`, { fix });
}

/** Paths stay inside of the working folder, whatever the model wrote. */
function checkPath(tool: AnyTool, path: string): void {
  const parts = path.split("/");
  const odd = parts.some(
    (part) => part === "" || part === "." || part === ".." || part.length > 255,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is sought
  if (!odd && path.length <= 1_024 && !/[\u0000-\u001f\\]/.test(path)) return;
  throw refuse(tool, `the file path ${JSON.stringify(path.slice(0, 80))} is not allowed`);
}

function filesOf(tool: AnyTool, files: ToolFiles): SandboxFile[] {
  const entries = Object.entries(files);
  if (entries.length > FILES_MAX) throw refuse(tool, `more than ${FILES_MAX} files`);
  return entries.map(([path, content]) => {
    checkPath(tool, path);
    const bytes = bytesOf(content);
    return { path, bytes, executable: bytes[0] === 0x23 && bytes[1] === 0x21 };
  });
}

/** What a call asks the sandbox for. @throws E_MESSAGE_SCHEMA */
export function requestOf(tool: AnyTool, input: unknown, key: string): SandboxRequest {
  const run = commandOf(tool.run) as CommandRun<never, unknown>;
  const args = given(run.args ?? [], input);
  // A string that ends early, or a number, would be another command than the one that was checked.
  if (!args.every((each) => typeof each === "string" && !each.includes("\0"))) {
    throw refuse(tool, "an argument is no text");
  }
  const files = filesOf(tool, given(run.files ?? {}, input));
  const stdin = bytesOf(run.stdin === undefined ? stdinOf(input) : given(run.stdin, input));
  const request = { key, tool: tool.name, command: run.command, args, files, stdin };
  const size = sizeOf(request);
  if (size > INPUT_MAX) throw refuse(tool, `${size} bytes are more than ${INPUT_MAX}`);
  return request;
}

/** Interpreters read programs, other commands data: `code` is the one, all else the other. */
function stdinOf(input: unknown): string {
  if (typeof input === "string") return input;
  const code = (input as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : JSON.stringify(input);
}

/** What goes into a sandbox. @unit bytes */
export function sizeOf({ args, files, stdin }: SandboxRequest): number {
  let size = stdin.byteLength;
  for (const each of args) size += each.length;
  for (const { path, bytes } of files) size += path.length + bytes.byteLength;
  return size;
}

/** The limits of a tool's sandbox. */
export function limitsOf({ tier: _, ...limits }: IsolatedSpec): SandboxLimits {
  return limits;
}

/** The value of a call that went well. @throws what the tool's `output` throws */
export function printedValue(tool: AnyTool, printed: CommandOutput, input: unknown): unknown {
  const run = commandOf(tool.run) as CommandRun<unknown, unknown>;
  const text = new TextDecoder();
  const said = { stdout: text.decode(printed.stdout), stderr: text.decode(printed.stderr) };
  if (run.output === undefined) return said;
  return run.output({ ...said, witness: printed.witness ?? [] }, input);
}
