/**
 * 03 · Strategies. Who else is restarted when a child ends? Nobody (`one_for_one`), all of them
 * (`one_for_all`), or those that were started after it (`rest_for_one`). And when children end more
 * often than `intensity` in `period`, the supervisor itself gives up: its own supervisor decides.
 *
 *     node examples/03-strategies.ts
 *
 * Output:
 *     one_for_one   a #1  b #2  c #1
 *     one_for_all   a #2  b #2  c #2
 *     rest_for_one  a #1  b #2  c #2
 *     gives up      a #1  b #1  c #1  group #2
 */
import { actor, app, child, memory, type Sim, simulate, supervisor } from "coppice";
import { z } from "zod";

const Member = actor("member", { state: z.null(), messages: {}, init: () => null, on: {} });

const group = (strategy: "one_for_one" | "one_for_all" | "rest_for_one") =>
  app({
    store: memory(),
    root: supervisor("app", {}, [
      supervisor("group", { strategy, intensity: 1, period: "5s" }, [
        child("a", Member),
        child("b", Member),
        child("c", Member),
      ]),
    ]),
  });

/** The incarnation of each child: 1 = never restarted. */
const lives = (sim: Sim) =>
  sim
    .tree()
    .filter((each) => each.path.startsWith("/app/group/"))
    .map((each) => `${each.path.at(-1)} #${each.incarnation}`)
    .join("  ");

for (const strategy of ["one_for_one", "one_for_all", "rest_for_one"] as const) {
  const sim = await simulate(group(strategy));
  await sim.kill("/app/group/b");
  console.log(strategy.padEnd(13), lives(sim));
}

const sim = await simulate(group("one_for_one"));
await sim.kill("/app/group/b");
await sim.kill("/app/group/b"); // the second within five seconds: intensity 1 is exceeded
const again = sim.tree().find((each) => each.path === "/app/group");
console.log("gives up".padEnd(13), `${lives(sim)}  group #${again?.incarnation}`);
