// The second program of DESIGN §11, as it stands there: it must compile. Nothing runs it.
import { ref, start } from "coppice";
// biome-ignore lint/correctness/noUnusedImports: as it stands there
import desk, { Analyst } from "./desk.ts";

await using system = await start(new URL("./desk.ts", import.meta.url), { threads: 2 });
const analyst = ref("/desk/analyst", Analyst); // a ref is data: send it, store it, print it
// biome-ignore lint/correctness/noUnusedVariables: as it stands there
const answer = await system.ask(analyst, "question", { text: "print(6*7)" }, { timeout: "30s" });
system.tell(analyst, "reset", {});
