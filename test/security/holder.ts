// A process that holds sandboxes and is killed: node holder.ts TIER COUNT. Prints one line when all
// of its sandboxes run a command.

import type { IsolatedTier } from "../../src/actor/outcome.ts";
import { openTier, shell } from "../tck/sandbox-host.ts";

const [, , tier, count] = process.argv;
const box = await openTier(tier as IsolatedTier);
let running = 0;
for (let number = 0; number < Number(count); number++) {
  shell(box, "echo x; sleep 86400", {
    limits: { timeoutMs: 3_600_000 },
    output: () => {
      running++;
      if (running === Number(count)) process.stdout.write("all run\n");
    },
  });
}
