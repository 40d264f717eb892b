/** Owns: the far side of the two-thread programs without actors: a worker with a MessagePort. */
import { parentPort, workerData } from "node:worker_threads";

type Message = { readonly left: number } | readonly { readonly left: number }[];

const port = parentPort!;
const answers = workerData as "each" | "last";
port.on("message", (message: Message) => {
  const { left } = Array.isArray(message) ? message.at(-1) : (message as { left: number });
  if (answers === "each") port.postMessage({ left: left - 1 });
  else if (left === 0) port.postMessage({ left });
});
