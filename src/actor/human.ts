/**
 * Owns: human(): a person as an actor. Questions wait in its durable state until the person, or code
 * in their name, has answered; an answer is kept for who asks again after a crash.
 * Does not own: when somebody is asked (policy.ts), how often (tool/broker.ts), the command line.
 */
import { z } from "zod";
import { actor } from "./actor.ts";
import { ask } from "./protocol.ts";
import type { ActorSpec } from "./spec.ts";
import { child } from "./spec.ts";

/** A question to a person: may this call run? */
const question = z.object({
  /** Names the call, in every rerun of its message. */
  key: z.string(),
  path: z.string(),
  tool: z.string(),
  /** As text, bounded; it is kept until the question is answered. */
  input: z.string(),
});

const verdict = z.object({ allow: z.boolean(), why: z.string(), by: z.string() });

const said = verdict.extend({ key: z.string() });
/** `told`: it has been given out once. */
const kept = said.extend({ told: z.boolean() });

const OPEN_MAX = 10_000;
const KEPT_MAX = 1_000;

/** Answers and open questions of one person. */
export const Human = actor("human", {
  state: z.object({ open: z.array(question), kept: z.array(kept) }),
  messages: {
    /** May it run? null: nobody has said yet, ask again later. `fresh`: said for the first time. */
    decide: ask(question, verdict.extend({ fresh: z.boolean() }).nullable()),
    /** The person's answer. @returns whether there was such a question */
    answer: ask(said, z.boolean()),
    /** All that waits for an answer. */
    list: ask(z.object({}), z.array(question)),
    /** Whoever asked is gone. */
    withdraw: z.object({ key: z.string() }),
  },
  init: () => ({ open: [], kept: [] }),
  on: {
    decide(state, asked, ctx) {
      const known = state.kept.find((each) => each.key === asked.key);
      if (known !== undefined) {
        const { allow, why, by, told } = known;
        ctx.reply({ allow, why, by, fresh: !told });
        const rest = state.kept.filter((each) => each !== known);
        return told ? undefined : { ...state, kept: [...rest, { ...known, told: true }] };
      }
      if (state.open.some((each) => each.key === asked.key)) return ctx.reply(null);
      if (state.open.length >= OPEN_MAX) {
        const why = `${OPEN_MAX} questions wait already`;
        return ctx.reply({ allow: false, why, by: ctx.self.path, fresh: true });
      }
      ctx.log.info("a question waits", { key: asked.key, tool: asked.tool, from: asked.path });
      ctx.reply(null);
      return { ...state, open: [...state.open, asked] };
    },
    answer(state, answer, ctx) {
      const open = state.open.filter((each) => each.key !== answer.key);
      ctx.reply(open.length < state.open.length);
      if (open.length === state.open.length) return undefined;
      return { open, kept: [...state.kept, { ...answer, told: false }].slice(-KEPT_MAX) };
    },
    list: (state, _message, ctx) => ctx.reply(state.open),
    withdraw(state, { key }) {
      const open = state.open.filter((each) => each.key !== key);
      return open.length < state.open.length ? { ...state, open } : undefined;
    },
  },
});

/**
 * A person, as a child: a policy asks it with `{ ask: "/desk/ops" }`. Questions are durable; they are
 * answered with `coppice approve`, or in code by its message `answer`.
 *
 * @example supervisor("desk", {}, [human("ops"), child("agent", Agent, { tools: [pay] })])
 */
export function human(id: string): ActorSpec {
  return child(id, Human, { durable: true });
}
