/**
 * Owns: the actor /bench/driver that begins a run when it is told to, and measures from there to
 * the last `done`; the app around it and a program's actors. So no start-up is in the figures.
 * Does not own: the programs.
 */
import {
  type ActorSettings,
  type App,
  actor,
  app,
  ask,
  type Context,
  child,
  type Messages,
  memory,
  type Ref,
  ref,
  supervisor,
} from "coppice";
import { z } from "zod";
import { type Outcome, outcome } from "../lib/outcome.ts";

const messages = {
  /** Runs the program with n operations. */
  go: ask(z.object({ n: z.number() }), outcome),
  /** One of the actors has finished. */
  done: z.object({}),
};
export type DriverContext = Context<typeof messages, Outcome>;

/** The driver, as every actor of a program reaches it. */
export const DRIVER: Ref<typeof messages> = refTo("/bench/driver", "driver");

/** A ref as ref() makes it, of an actor whose behaviour is declared further down. */
export function refTo<M extends Messages>(path: string, name: string): Ref<M> {
  return ref(path, { name } as never) as unknown as Ref<M>;
}

interface Running {
  readonly n: number;
  readonly beganAt: number;
  readonly deferred: { reply(value: Outcome): void };
  /** How many actors have not finished yet. */
  left: number;
}

/**
 * Room for every message of a run: what a full mailbox costs is not what these programs ask. And a
 * handler that sends a million messages in one go may take as long as that takes.
 */
export const ROOMY = {
  mailboxMax: 10_000_000,
  sliceMs: 60_000,
  maxReductions: 1_000_000_000,
} satisfies ActorSettings;

/** Sends the first messages of a run; a promise when it must wait for actors to start. */
type Begin = (ctx: DriverContext, n: number) => void | Promise<void>;

/**
 * A driver for programs of plain messages.
 *
 * @param actors how many actors say `done`
 */
export function driver(begin: Begin, actors: (n: number) => number = () => 1) {
  return actor("driver", {
    state: z.custom<Running | null>(),
    messages,
    init: () => null,
    on: {
      go(_, { n }, ctx) {
        const deferred = ctx.defer();
        const running = { n, beganAt: performance.now(), deferred, left: actors(n) };
        const begun = begin(ctx, n);
        // Not an async handler unless the program needs one: that would be another measurement.
        return begun === undefined ? running : begun.then(() => running);
      },
      done(running) {
        if (running === null || --running.left > 0) return;
        const seconds = (performance.now() - running.beganAt) / 1_000;
        running.deferred.reply({ n: running.n, seconds });
        return null;
      },
    },
  });
}

/** A driver whose whole run is one async handler: it awaits, and what it awaits is measured. */
export function awaitingDriver(run: (ctx: DriverContext, n: number) => Promise<Partial<Outcome>>) {
  return actor("driver", {
    state: z.null(),
    messages,
    init: () => null,
    on: {
      async go(_, { n }, ctx) {
        const beganAt = performance.now();
        const figures = await run(ctx, n);
        ctx.reply({ n, seconds: (performance.now() - beganAt) / 1_000, ...figures });
      },
      done() {},
    },
  });
}

/** The app of a program: its driver and its actors under one supervisor. */
export function benchApp(
  behaviour: ReturnType<typeof driver> | ReturnType<typeof awaitingDriver>,
  children: Parameters<typeof supervisor>[2],
): App {
  const driving = behaviour as ReturnType<
    typeof driver
  >; /* both have the same name, args and messages */
  const root = supervisor("bench", {}, [...children, child("driver", driving, ROOMY)]);
  return app({ store: memory(), root });
}
