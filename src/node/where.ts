/**
 * Owns: saying where the code that was interrupted stands: its stack, without our part of it.
 */

/** Frames that help to find the place. */
const FRAMES = 10;
/** Frames looked at: those of Node under the user's code are not counted out beforehand. */
const DEPTH = 40;

const OURS = new URL(".", import.meta.url).href.replace(/node\/$/, "");
/** Below these there is no code of the interrupted run. */
const FLOOR = /processTicksAndRejections|runNextTicks|node:internal\/event_target/;

/** Called from within the interruption, on top of the interrupted code. */
export function whereItStands(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return typeof stack === "string" ? framesOf(stack) : "";
}

/** The frames of user code, the innermost first. */
export function framesOf(stack: string): string {
  const lines = stack.split("\n").filter((line) => line.startsWith("    at "));
  // The first are the question itself: this file, the hook and the expression that was evaluated.
  const asked = lines.findIndex((frame) => frame.includes("<anonymous>:1"));
  const user = lines.slice(asked + 1);
  const end = user.findIndex((frame) => frame.includes(OURS) || FLOOR.test(frame));
  const frames = end < 0 ? user : user.slice(0, end);
  // What Node put between us and the handler says nothing either.
  while (frames.at(-1)?.includes("(node:")) frames.pop();
  return frames.slice(0, FRAMES).join("\n");
}
