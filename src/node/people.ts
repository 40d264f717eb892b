/**
 * Owns: what people are asked on a node, and their answers, for whoever answers from outside.
 * Does not own: the people (actor/human.ts), who asks them (tool/policy.ts).
 */
import { type App, visitSpecs } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Question, Said } from "../observe/view.ts";

/** @unit ms */
const ANSWER_MS = 5_000;

/** Paths of all human() children of the tree. */
function peopleOf(app: App): string[] {
  const paths: string[] = [];
  visitSpecs(app.root, (spec, path) => {
    if (spec.kind === "actor" && spec.behaviour.name === "human" && !path.includes("*")) {
      paths.push(path);
    }
  });
  return paths;
}

/** What an actor answers; null when it does not. */
function asked(kernel: Kernel, path: string, type: string, message: unknown): Promise<unknown> {
  return new Promise((resolve) => {
    kernel.request(path, type, message, ANSWER_MS, (answer) =>
      resolve(answer.ok ? answer.value : null),
    );
  });
}

/** All open questions of a node. */
export async function questionsOf(app: App, kernel: Kernel): Promise<Question[]> {
  const all = await Promise.all(
    peopleOf(app).map(async (who) => {
      const open = (await asked(kernel, who, "list", {})) as Omit<Question, "who">[] | null;
      return (open ?? []).map((each) => ({ ...each, who }));
    }),
  );
  return all.flat();
}

/** Answers a question, whoever was asked it. @throws ActorError E_PATH_UNKNOWN when nobody was */
export async function answerQuestion(app: App, kernel: Kernel, said: Said): Promise<string> {
  for (const who of peopleOf(app)) {
    if ((await asked(kernel, who, "answer", said)) === true) {
      return `${said.key} ${said.allow ? "approved" : "denied"}`;
    }
  }
  throw new ActorError("E_PATH_UNKNOWN", `no question has the key ${said.key}`, {
    fix: "coppice questions shows what waits for an answer",
  });
}
