// A process with a node of firm.ts, for the tests of budgets.

import { ref, start } from "coppice";
import { Agent, agents } from "./firm.ts";
import { obey, say } from "./obey.ts";

export type FirmCommand =
  | { do: "hire"; agent: string }
  | { do: "go"; agent: string; most: number; cost: number; hang: number }
  | { do: "awake" }
  | { do: "budgets" }
  | { do: "add"; path: string; microUsd: number };

try {
  const firm = new URL("./firm.ts", import.meta.url);
  const system = await start(firm, {
    threads: 2,
    log: "silent",
    inspect: false,
    onEvent: (event) => {
      if (event.type === "log") say({ event: event.message });
      else if (event.type === "quota_near")
        say({ event: `near ${event.account} ${event.resource}` });
      else if (event.type === "exited" && event.reason.tag === "quota")
        say({ event: `quota ${event.reason.at}` });
    },
  });
  const run = async (command: FirmCommand): Promise<unknown> => {
    switch (command.do) {
      case "hire":
        return system.start(agents, { id: command.agent });
      case "go": {
        const { agent, most, cost, hang } = command;
        return system.tell(ref(`/firm/crew/${agent}`, Agent), "go", { most, cost, hang });
      }
      case "awake": {
        const { processes } = await system.inspect.tree();
        return processes.map(({ path }) => path).filter((path) => path.startsWith("/firm/crew/"));
      }
      case "budgets":
        return system.inspect.budgets();
      case "add": {
        const { path, microUsd } = command;
        return system.inspect.budgets({ path, more: { microUsd }, by: "test", why: "more" });
      }
    }
  };
  await obey(system, run);
} catch (thrown) {
  say({ failed: (thrown as { code?: string }).code ?? String(thrown), text: String(thrown) });
}
process.exit(0);
