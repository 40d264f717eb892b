// The example of supervisors/README.md runs as it stands, and its other piece compiles.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const readme = readFileSync(join(root, "supervisors", "README.md"), "utf8");
const fences = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string);
const file = join(import.meta.dirname, `.readme-${process.pid}.ts`);

afterAll(() => rmSync(file, { force: true }));

function run(program: string) {
  writeFileSync(file, program);
  const args = ["--conditions=coppice-source", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

test("writing one's own: the program runs, and every assertion holds", () => {
  expect(run(fences.at(-1) as string)).toEqual({ status: 0, output: "" });
});

test("writing one's own: its assertions can fail", () => {
  const broken = (fences.at(-1) as string).replace("durable: true", "durable: false");
  expect(run(broken).output).toContain("Assertion failed: seed 1");
});

test("borrowing: the behaviour is one", () => {
  const [use, borrowing] = fences as [string, string];
  const program = `${use}
    import { borrow } from "coppice/supervisors/pool";
    import { actor, app, ask, child, memory, ref, simulate, supervisor } from "coppice";
    import { z } from "zod";
    const Scanner = actor("scanner", {
      state: z.null(),
      messages: { scan: ask(z.object({ file: z.string() }), z.string()) },
      init: () => null,
      on: { scan: (_state, { file }, ctx) => ctx.reply("read " + file) },
    });
    ${borrowing}
    const scanners = pool("scanners", { size: 2, under: "/app" }, Scanner);
    const root = supervisor("app", {}, [scanners, child("client", Client)]);
    const sim = await simulate(app({ store: memory(), root }));
    await sim.tell(ref("/app/client", Client), "go", { file: "a.txt" });
    for (const each of sim.events) if (each.type === "log") console.log(each.message);`;
  expect(run(program)).toEqual({ status: 0, output: "read a.txt\n" });
});

test("every tree has its row", () => {
  const trees = readdirSync(join(root, "supervisors")).filter((name) => name.endsWith(".ts"));
  expect(trees.filter((name) => !readme.includes(`](${name})`))).toEqual([]);
});
