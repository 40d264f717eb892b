// A process with a node of bank.ts, for the tests; what the node says of itself goes out as { event }.

import { randomUUID } from "node:crypto";
import { dynamicRef, ref, start } from "coppice";
import { Account, Clerk, Porter } from "./bank.ts";
import { obey, say } from "./obey.ts";

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
  void system.ended.then((reason) => say({ ended: reason }));
  await obey(system, run);
} catch (thrown) {
  say({ failed: (thrown as { code?: string }).code ?? String(thrown), text: String(thrown) });
}
process.exit(0);
