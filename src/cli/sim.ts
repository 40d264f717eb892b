/**
 * Owns: `coppice sim …`: handing its arguments to the simulator, which reads them itself.
 */
import { simCommand } from "../sim/command.ts";
import type { Run } from "./arguments.ts";

export const sim: Run = (input, io) => {
  // How errors are told is decided before a command begins.
  const args = input.args.filter((each) => each !== "--stack");
  return simCommand(args, io.out);
};
