/**
 * Owns: the process of the `coppice` command: its exit status, broken pipes, and errors nobody
 * caught. Does not own: what its words mean (dispatch.ts).
 */
import { dispatch, errorStyle, tell } from "./dispatch.ts";
import { processIo } from "./terminal.ts";

const argv = process.argv.slice(2);
const style = errorStyle(argv, process.env);
const io = processIo();

// `coppice tree | head`: whoever reads has enough, and that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (io.survivesBrokenPipe) return;
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
}
process.on("uncaughtException", (error) => process.exit(tell(error, io, style)));

const status = await dispatch(argv, io, style);
// An app may have left timers behind that would keep the process; what was written goes out first.
process.stdout.write("", () => process.stderr.write("", () => process.exit(status)));
