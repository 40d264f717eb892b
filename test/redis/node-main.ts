// A process with a node of bank.ts, for the tests: commands come as lines of JSON on stdin, answers
// go out as lines on stdout; what the node says of itself goes out as { event }.

import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { dynamicRef, ref, start } from "coppice";
import { Account, Clerk, Porter } from "./bank.ts";

export type Command =
  | { do: "open"; account: string }
  | { do: "pay"; from: string; to: string; amount: number }
  /** Answered when the payment's order is stored. */
  | { do: "order"; from: string; to: string; amount: number }
  | { do: "balance"; account: string }
  | { do: "count" }
  | { do: "never" }
  | { do: "watch"; account: string }
  | { do: "crash store" }
  | { do: "cluster" }
  /** Accounts that are in this node's memory. */
  | { do: "awake" }
  | { do: "stop" };

/** @param timeout of what is asked, in ms */
interface Line {
  readonly id: number;
  readonly command: Command;
  readonly timeout: number;
}

const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
const accounts = dynamicRef("/bank/accounts", Account);
const account = (id: string) => ref(`/bank/accounts/${id}`, Account);

try {
  const system = await start(new URL("./bank.ts", import.meta.url), {
    threads: 2,
    log: "silent",
    inspect: process.env.REDIS_INSPECT === "yes",
    onEvent: (event) => {
      if (event.type === "log") say({ event: event.message });
      const { type, path } = event;
      if (type === "woken" || type === "starting") say({ event: `${type} ${path}` });
    },
  });
  const run = async (command: Command, timeout: number): Promise<unknown> => {
    switch (command.do) {
      case "open":
        return system.start(accounts, { id: command.account, args: {} });
      case "pay": {
        const { from, to, amount } = command;
        return system.tell(account(from), "pay", { to, amount });
      }
      case "order": {
        const { from, to, amount } = command;
        return system.tell(
          account(from),
          "pay",
          { to, amount },
          { stored: true, id: randomUUID() },
        );
      }
      case "balance":
        return system.ask(account(command.account), "balance", {}, { timeout });
      case "count":
        return system.ask(ref("/bank/clerk", Clerk), "count", {}, { timeout });
      case "never":
        return system.ask(ref("/bank/porter", Porter), "never", {}, { timeout });
      case "watch": {
        const { path } = account(command.account);
        return system.ask(ref("/bank/porter", Porter), "watch", { path }, { timeout });
      }
      case "crash store":
        return system.crashThread("store");
      case "cluster":
        return (await system.inspect.tree()).cluster;
      case "awake": {
        const { processes } = await system.inspect.tree();
        return processes
          .map(({ path }) => path)
          .filter((path) => path.startsWith("/bank/accounts/"));
      }
      case "stop":
        return system.stop();
    }
  };
  process.once("SIGTERM", () => void system.stop().then(() => process.exit(0)));
  void system.ended.then((reason) => say({ ended: reason }));
  say({ up: process.pid });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, command, timeout } = JSON.parse(line) as Line;
    void run(command, timeout).then(
      (value) => say({ id, value: value ?? null }),
      (thrown: { code?: string; message: string }) =>
        say({ id, error: thrown.code ?? "?", message: thrown.message }),
    );
  }
  await system.stop();
} catch (thrown) {
  say({ failed: (thrown as { code?: string }).code ?? String(thrown), text: String(thrown) });
}
process.exit(0);
