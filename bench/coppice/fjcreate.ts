/**
 * Owns: fjcreate on the real runtime: n times a supervised child is started, told one message, and
 * ends. A hundred starts are awaited together, as a user would who has many to make.
 */
import { actor, dynamic, dynamicRef } from "coppice";
import { z } from "zod";
import { benchApp, DRIVER, driver } from "./driver.ts";

const Fork = actor("fork", {
  state: z.null(),
  messages: { work: z.object({}) },
  init: () => null,
  on: {
    work(_, __, ctx) {
      ctx.tell(DRIVER, "done", {});
      ctx.exit();
    },
  },
});
const POOL = dynamicRef("/bench/forks", Fork);
const TOGETHER = 100;

export default benchApp(
  driver(
    async (ctx, n) => {
      for (let at = 0; at < n; at += TOGETHER) {
        const length = Math.min(TOGETHER, n - at);
        const starts = Array.from({ length }, () => ctx.start(POOL, { args: undefined }));
        for (const fork of await Promise.all(starts)) ctx.tell(fork, "work", {});
      }
    },
    (n) => n,
  ),
  [dynamic("forks", {}, Fork, { restart: "temporary", placement: "with-parent" })],
);
